"""The module people write today: paho-mqtt 2 and onnxruntime, one thread, one message at a time.

    peer.py PORT MODEL.onnx [THRESHOLD]

With a threshold the answer is the mean squared reconstruction error and whether it is above it;
without, all outputs of the model.
"""

import json
import sys

import numpy as np
import onnxruntime
import paho.mqtt.client as mqtt

port, model = int(sys.argv[1]), sys.argv[2]
threshold = float(sys.argv[3]) if len(sys.argv) > 3 else None

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
input_name = session.get_inputs()[0].name
output_names = [output.name for output in session.get_outputs()]


def on_connect(client, userdata, flags, reason_code, properties):
    client.subscribe("bench/in")


def on_message(client, userdata, message):
    x = np.array([json.loads(message.payload)], dtype=np.float32)
    outputs = session.run(None, {input_name: x})
    if threshold is None:
        verdict = {name: output[0].tolist() for name, output in zip(output_names, outputs)}
    else:
        error = float(np.mean((x - outputs[0]) ** 2))
        verdict = {"reconstruction_error": error, "anomaly": error > threshold}
    client.publish("bench/out", json.dumps(verdict))


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-python")
client.on_connect = on_connect
client.on_message = on_message
client.connect("127.0.0.1", port)
client.loop_forever()
