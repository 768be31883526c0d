-- Times are Unix seconds. Ids are never used again (AUTOINCREMENT): people type them, and chat networks tell repetitions by them.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE note (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE TABLE seen (
    network TEXT NOT NULL,
    key TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (network, key)
) WITHOUT ROWID;                            -- kept for ever: a ciphertext can be played again after years

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    publisher TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    premium INTEGER NOT NULL DEFAULT 0,
    broken TEXT NOT NULL DEFAULT '',
    credentials BLOB,                       -- sealed
    UNIQUE (publisher, remote_id)
);

CREATE TABLE team (                         -- a grant: who may do what on an account
    account_id INTEGER NOT NULL REFERENCES account (id),
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (account_id, network, name)
);
CREATE INDEX team_member ON team (network, name);

CREATE TABLE preference (                   -- which account stands for a person or a room
    kind TEXT NOT NULL,                     -- 'identity' or 'room'
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    PRIMARY KEY (kind, network, name)
);

CREATE TABLE rest (
    account_id INTEGER NOT NULL REFERENCES account (id),
    action TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (account_id, action)
);

CREATE TABLE question (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    room TEXT NOT NULL
);

CREATE TABLE post (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account (id),
    network TEXT NOT NULL,
    author TEXT NOT NULL,
    room TEXT NOT NULL,
    message_id TEXT NOT NULL,
    thread TEXT,
    text TEXT NOT NULL,
    reply_to TEXT,
    target TEXT,
    undoes INTEGER REFERENCES post (id),
    state TEXT NOT NULL,
    created_at REAL NOT NULL,
    fresh_at REAL NOT NULL,
    due_at REAL NOT NULL,
    claimed_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    remote_id TEXT,
    question_id INTEGER REFERENCES question (id),
    deleted INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX post_open ON post (state, account_id, id) WHERE state NOT IN ('posted', 'failed');
CREATE INDEX post_undoing ON post (state, due_at) WHERE state = 'queued' AND action = 'delete';
CREATE INDEX post_unasked ON post (id) WHERE state = 'held' AND question_id IS NULL;
CREATE INDEX post_message ON post (network, message_id);
CREATE INDEX post_author ON post (network, author, created_at);
CREATE INDEX post_remote ON post (remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX post_account ON post (account_id, id) WHERE remote_id IS NOT NULL;
CREATE INDEX post_undoes ON post (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX post_question ON post (question_id) WHERE question_id IS NOT NULL;

CREATE TABLE answer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    network TEXT NOT NULL,
    room TEXT NOT NULL,
    speech TEXT NOT NULL,
    body TEXT NOT NULL,
    target TEXT,
    target_answer INTEGER REFERENCES answer (id),
    thread TEXT,
    mention TEXT,
    due_at REAL NOT NULL,
    post_id INTEGER REFERENCES post (id),
    question_id INTEGER REFERENCES question (id),
    batch INTEGER,                          -- the id of the first answer that goes out in the same event
    event_id TEXT,
    done_at REAL                            -- sent, or given up
);
CREATE INDEX answer_open ON answer (due_at, id) WHERE done_at IS NULL;
CREATE INDEX answer_event ON answer (network, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX answer_post ON answer (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX answer_batch ON answer (batch) WHERE batch IS NOT NULL;
CREATE INDEX answer_target ON answer (target_answer) WHERE target_answer IS NOT NULL;  -- or each DELETE reads them all

CREATE TABLE pending_link (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    publisher TEXT NOT NULL,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    message_id TEXT NOT NULL,
    thread TEXT,
    started_at REAL NOT NULL,
    room TEXT,
    request BLOB,                           -- sealed
    pin BLOB,                               -- sealed
    due_at REAL NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX pending_link_open ON pending_link (network, name) WHERE state <> 'ended';
CREATE INDEX pending_link_person ON pending_link (network, name, started_at);

CREATE TABLE revocation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES account (id),
    credentials BLOB NOT NULL,              -- sealed
    due_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
);
