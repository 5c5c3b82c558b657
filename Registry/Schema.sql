-- The registry's index, version 1. All of it can be made again from the objects, receipts, applies and exports that lie
-- beside it (`mergekit verify --rebuild-index`), but for the digests of files outside that nobody exported: those are what the
-- files themselves say, and are computed again from them.
--
-- Digests are 32 bytes. Times are seconds since 1970, stamps of files nanoseconds.

PRAGMA application_id = 0x6D6B7267;  -- "mkrg"

-- ---------------------------------------------------------------------------------------------------- what there is

CREATE TABLE artifact (
  id     INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  kind   TEXT NOT NULL,
  facts  TEXT NOT NULL  -- JSON
) STRICT;

CREATE TABLE tensor (
  id     INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),  -- of dtype, shape and bytes
  dtype  TEXT NOT NULL,
  shape  TEXT NOT NULL CHECK (shape LIKE '[%]'),
  bytes  INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

-- What an artifact is made of, in its order. A side file is a tensor too, of bytes: a tokenizer that many checkpoints
-- carry is kept once.
CREATE TABLE part (
  artifact INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0),
  name     TEXT NOT NULL,
  is_file  INTEGER NOT NULL CHECK (is_file IN (0, 1)),
  tensor   INTEGER NOT NULL REFERENCES tensor,
  PRIMARY KEY (artifact, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX part_tensor ON part (tensor);

-- --------------------------------------------------------------------------------------------- where the bytes lie

-- An object of the registry (its path seen from the registry, and the artifact that it describes) or a file outside
-- (its absolute path). While the stamp is the same, so are the bytes.
CREATE TABLE file (
  id       INTEGER PRIMARY KEY,
  path     TEXT NOT NULL UNIQUE,
  artifact INTEGER REFERENCES artifact ON DELETE CASCADE,
  device   INTEGER NOT NULL,
  inode    INTEGER NOT NULL,
  size     INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  changed  INTEGER NOT NULL,
  digest   BLOB CHECK (length(digest) = 32),  -- of an outside file's content, once somebody asked for it
  CHECK ((artifact IS NULL) = (path LIKE '/%'))
) STRICT;

CREATE INDEX file_artifact ON file (artifact);

-- The seal is a hash of the tensor's digest, the path and the offset: a bit that flips in this table must never make a
-- tensor out of other bytes.
CREATE TABLE location (
  file    INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
  start   INTEGER NOT NULL CHECK (start >= 0),
  tensor  INTEGER NOT NULL REFERENCES tensor,
  seal    INTEGER NOT NULL,
  PRIMARY KEY (file, start, tensor)  -- several can start at one place: tensors without entries, bytes under two shapes
) STRICT, WITHOUT ROWID;

CREATE INDEX location_tensor ON location (tensor);

-- ------------------------------------------------------------------------------------------------ what happened

-- One for each receipt, under the same number. Artifacts are named by digest alone: the history outlives them.
CREATE TABLE run (
  id          INTEGER PRIMARY KEY,
  key         BLOB NOT NULL CHECK (length(key) = 32),
  operation   TEXT NOT NULL,
  version     INTEGER NOT NULL,
  label       TEXT NOT NULL,
  recipe      TEXT NOT NULL,
  output      BLOB NOT NULL CHECK (length(output) = 32),
  started     REAL NOT NULL,
  seconds     REAL NOT NULL,
  environment TEXT NOT NULL CHECK (environment LIKE '{%}'),
  curve       TEXT CHECK (curve LIKE '{%}')
) STRICT;

CREATE INDEX run_key ON run (key);
CREATE INDEX run_step ON run (operation, recipe, label);
CREATE INDEX run_label ON run (label);
CREATE INDEX run_output ON run (output);

-- The parts of a run's key, so that a plan can say which of them changed.
CREATE TABLE component (
  run      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  position INTEGER NOT NULL,
  role     TEXT NOT NULL CHECK (role IN ('operation', 'version', 'parameter', 'input', 'source')),
  name     TEXT NOT NULL,
  value    TEXT NOT NULL,
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_input (
  run      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  position INTEGER NOT NULL,
  slot     TEXT NOT NULL,
  artifact BLOB NOT NULL CHECK (length(artifact) = 32),
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_input_artifact ON run_input (artifact);

-- Each time a recipe was applied.
CREATE TABLE apply (
  id       INTEGER PRIMARY KEY,
  recipe   TEXT NOT NULL,
  text     TEXT NOT NULL,
  command  TEXT NOT NULL,
  started  REAL NOT NULL,
  finished REAL,
  status   TEXT NOT NULL CHECK (status IN ('running', 'ok', 'failed', 'interrupted')),
  message  TEXT NOT NULL,
  process  TEXT NOT NULL,  -- whose lock says whether it still runs: `tmp/<process>.lock`
  CHECK ((finished IS NULL) = (status = 'running'))
) STRICT;

CREATE TABLE apply_step (
  apply    INTEGER NOT NULL REFERENCES apply ON DELETE CASCADE,
  position INTEGER NOT NULL,
  label    TEXT NOT NULL,
  run      INTEGER NOT NULL,  -- no foreign key: a run's receipt can be lost, and the history must not go with it
  reused   INTEGER NOT NULL CHECK (reused IN (0, 1)),
  PRIMARY KEY (apply, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX apply_step_run ON apply_step (run);
CREATE INDEX apply_step_label ON apply_step (label);

-- ------------------------------------------------------------------------------------------------- what was exported

-- One for each record in `exports` that no later one to the same path replaces, under the same number.
CREATE TABLE export (
  id       INTEGER PRIMARY KEY,
  path     TEXT NOT NULL UNIQUE CHECK (path LIKE '/%'),
  format   TEXT NOT NULL,
  exported REAL NOT NULL
) STRICT;

CREATE TABLE export_artifact (
  export   INTEGER NOT NULL REFERENCES export ON DELETE CASCADE,
  position INTEGER NOT NULL,
  artifact BLOB NOT NULL CHECK (length(artifact) = 32),
  PRIMARY KEY (export, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX export_artifact_artifact ON export_artifact (artifact);

CREATE TABLE export_file (
  export   INTEGER NOT NULL REFERENCES export ON DELETE CASCADE,
  name     TEXT NOT NULL,  -- seen from the export's path; empty where that is a single file
  device   INTEGER NOT NULL,
  inode    INTEGER NOT NULL,
  size     INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  changed  INTEGER NOT NULL,
  PRIMARY KEY (export, name)
) STRICT, WITHOUT ROWID;
