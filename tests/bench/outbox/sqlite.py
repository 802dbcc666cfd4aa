"""The outbox people write today, appending: sqlite3, WAL, one transaction a batch.

    sqlite.py FILE SYNCHRONOUS BATCH RECORD_BYTES

Reads all records from standard input before the first commit; prints the nanoseconds of each.
"""

import sqlite3
import sys
import time

path, synchronous, batch, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
data = sys.stdin.buffer.read()
records = [(data[at : at + size],) for at in range(0, len(data), size)]

db = sqlite3.connect(path, isolation_level=None)
assert db.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
db.execute(f"PRAGMA synchronous={synchronous}")
db.execute("CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL)")

times = []
for at in range(0, len(records), batch):
    chunk = records[at : at + batch]
    begin = time.perf_counter_ns()
    db.execute("BEGIN")
    db.executemany("INSERT INTO outbox (payload) VALUES (?)", chunk)
    db.execute("COMMIT")
    times.append(time.perf_counter_ns() - begin)

assert db.execute("SELECT count(*) FROM outbox").fetchone() == (len(records),)
print("\n".join(map(str, times)))
