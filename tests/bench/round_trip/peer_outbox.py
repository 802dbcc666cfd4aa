"""The module people write today when nothing may be lost: paho-mqtt 2, onnxruntime and sqlite3.

    peer_outbox.py PORT MODEL.onnx FILE each|batch one|two [THRESHOLD]

Messages come at QoS 1. Each is scored, its result inserted, the transaction committed (WAL,
synchronous=FULL), and only then is its PUBACK sent and its result published, at QoS 1. Results
whose PUBACK came are deleted with the next commit. `each` commits once per message, `batch` once
for all that have arrived. With `two` threads the network has one of its own, which goes on during
a sync and competes for the interpreter's lock; with `one` it does not.
"""

import json
import queue
import socket
import sqlite3
import sys

import numpy as np
import onnxruntime
import paho.mqtt.client as mqtt

MOST = 512

port, model, path, policy = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
threads = sys.argv[5]
threshold = float(sys.argv[6]) if len(sys.argv) > 6 else None
most = {"each": 1, "batch": MOST}[policy]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
input_name = session.get_inputs()[0].name
output_names = [output.name for output in session.get_outputs()]

db = sqlite3.connect(path, isolation_level=None)
assert db.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY, payload TEXT NOT NULL)")

arrived = queue.SimpleQueue()
acknowledged = queue.SimpleQueue()
in_flight = {}


def on_socket_open(client, userdata, sock):
    # paho leaves Nagle's algorithm on: small packets then wait up to 40 ms for an acknowledgement.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def on_connect(client, userdata, flags, reason_code, properties):
    client.subscribe("bench/in", qos=1)


def on_message(client, userdata, message):
    arrived.put(message)


def on_publish(client, userdata, mid, reason_code, properties):
    acknowledged.put(mid)


def score(message):
    x = np.array([json.loads(message.payload)], dtype=np.float32)
    outputs = session.run(None, {input_name: x})
    if threshold is None:
        return json.dumps({name: output[0].tolist() for name, output in zip(output_names, outputs)})
    error = float(np.mean((x - outputs[0]) ** 2))
    return json.dumps({"reconstruction_error": error, "anomaly": error > threshold})


def all_of(queue_, into, most):
    while len(into) < most:
        try:
            into.append(queue_.get_nowait())
        except queue.Empty:
            return


client = mqtt.Client(
    mqtt.CallbackAPIVersion.VERSION2, client_id="bench-python", clean_session=False, manual_ack=True
)
client.max_inflight_messages_set(0)
client.on_socket_open = on_socket_open
client.on_connect = on_connect
client.on_message = on_message
client.on_publish = on_publish
client.connect("127.0.0.1", port)
if threads == "two":
    client.loop_start()


def next_messages():
    """Waits for a message; takes what has arrived, as far as one commit may hold it."""
    if threads == "two":
        messages = [arrived.get()]
    else:
        while arrived.empty():
            client.loop(1.0)
        before = -1
        while most > 1 and before != arrived.qsize() < most:
            before = arrived.qsize()
            client.loop(0)
        messages = []
    all_of(arrived, messages, most)
    return messages


while True:
    messages = next_messages()
    verdicts = [score(message) for message in messages]
    mids = []
    all_of(acknowledged, mids, 1 << 20)
    done = [(in_flight.pop(mid),) for mid in mids]
    db.execute("BEGIN")
    rows = [db.execute("INSERT INTO outbox (payload) VALUES (?)", (v,)).lastrowid for v in verdicts]
    db.executemany("DELETE FROM outbox WHERE sequence = ?", done)
    db.execute("COMMIT")
    for message in messages:
        client.ack(message.mid, 1)
    for row, verdict in zip(rows, verdicts):
        in_flight[client.publish("bench/out", verdict, qos=1).mid] = row
