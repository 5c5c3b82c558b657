"""Makes a large registry: a thousand real steps, and beside them as many invented artifacts and receipts as one likes.

The invented ones are rows of the index, and an object's file for each artifact; receipts' own files are not needed by what is
measured. `python3 Tests/Faults/large.py PROGRAM FOLDER [ARTIFACTS RECEIPTS]` makes one to look at.
"""

import hashlib
import os
import sqlite3
import sys
import time


def steps_recipe(count):
    lines = ["## Many small steps.", 'recipe "Steps"']
    lines += [f"let s{number} = classifier(sizes: [2, 2], seed: {number})" for number in range(count)]
    return "\n".join(lines + [f"export average([{', '.join(f's{number}' for number in range(count))}]) to \"out/model\"", ""])


def make(session, artifacts, receipts, steps=1000):
    steps = min(steps, artifacts // 2)
    session.write("steps.rcp", steps_recipe(steps))
    session.must("apply", "steps.rcp", "-q", timeout=600)
    database = sqlite3.connect(os.path.join(session.registry, "index.sqlite"))
    # Rows come faster without indexes, which are made again at the end.
    for pragma in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF"]:
        database.execute(f"PRAGMA {pragma}")
    indexes = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall()
    for name, _ in indexes:
        database.execute(f"DROP INDEX {name}")
    # The real steps come last, as the newest: what is invented is older.
    (last,) = database.execute("SELECT max(id) FROM run").fetchone()
    shift = receipts
    for table, column in [("run", "id"), ("component", "run"), ("run_input", "run"), ("apply_step", "run")]:
        database.execute(f"UPDATE {table} SET {column} = -{column} - {shift}")
        database.execute(f"UPDATE {table} SET {column} = -{column}")
    now, text = time.time(), '{"mergekit":"0.1.0"}'

    def digest(kind, number):
        return hashlib.sha256(f"{kind} {number}".encode()).digest()

    def rows_of_artifacts():
        for number in range(artifacts - steps):
            yield 1_000_000 + number, digest("artifact", number), "checkpoint", "{}"

    database.executemany("INSERT INTO artifact VALUES (?, ?, ?, ?)", rows_of_artifacts())
    database.executemany(
        "INSERT INTO tensor VALUES (?, ?, 'F32', '[4]', 16)",
        ((1_000_000 + number, digest("tensor", number)) for number in range(4 * (artifacts - steps))))
    database.executemany(
        "INSERT INTO part VALUES (?, ?, ?, 0, ?)",
        ((1_000_000 + number // 4, number % 4, f"layers.{number % 4}", 1_000_000 + number)
         for number in range(4 * (artifacts - steps))))
    for number in range(artifacts - steps):
        name = digest("artifact", number).hex()
        path = f"objects/{name[:2]}/{name}.safetensors"
        full = os.path.join(session.registry, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(bytes(64))
        status = os.stat(full)
        database.execute(
            "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (1_000_000 + number, path, 1_000_000 + number, status.st_dev, status.st_ino, 64, status.st_mtime_ns,
             status.st_ctime_ns))
    database.executemany(
        "INSERT INTO location VALUES (?, ?, ?, 0)",
        ((1_000_000 + number // 4, number % 4 * 16, 1_000_000 + number) for number in range(4 * (artifacts - steps))))
    database.executemany(
        "INSERT INTO run VALUES (?, ?, 'ties', 1, ?, 'old.rcp', ?, ?, 1.5, ?, NULL)",
        ((number + 1, digest("key", number), f"step{number % 100}", digest("artifact", number % (artifacts - steps)),
          now - 40 * 86400 + number / receipts, text) for number in range(receipts)))
    database.executemany(
        "INSERT INTO component VALUES (?, ?, ?, ?, ?)",
        ((number // 3 + 1, number % 3, ["operation", "version", "parameter"][number % 3],
          ["operation", "ties", "density"][number % 3], str(number % 7)) for number in range(3 * receipts)))
    database.executemany(
        "INSERT INTO run_input VALUES (?, 0, 'models[0]', ?)",
        ((number + 1, digest("artifact", (number + 1) % (artifacts - steps))) for number in range(receipts)))
    applies = max(receipts // 100, 1)
    database.execute(f"UPDATE apply_step SET apply = apply + {applies}")
    database.execute(f"UPDATE apply SET id = id + {applies}")
    database.executemany(
        "INSERT INTO apply VALUES (?, 'old.rcp', '', '', ?, ?, 'ok', '', 'gone')",
        ((number + 1, now - 40 * 86400 + number, now - 40 * 86400 + number + 1) for number in range(applies)))
    database.executemany(
        "INSERT INTO apply_step VALUES (?, ?, ?, ?, 0)",
        ((number // 100 + 1, number % 100, f"step{number % 100}", number + 1) for number in range(receipts)))
    for _, statement in indexes:
        database.execute(statement)
    database.commit()
    database.execute("PRAGMA journal_mode = WAL")
    database.close()


if __name__ == "__main__":
    import campaign

    program, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    runner = campaign.Campaign(program, os.getcwd(), False, 1, False)
    make(campaign.Session(runner, folder, None), *map(int, sys.argv[3:5] or (10_000, 1_000_000)))
    os.rmdir(runner.folder)
