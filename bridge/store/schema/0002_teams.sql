-- Teams: shared accounts, drafts, schedule, threads, policies, cost, the log.

ALTER TABLE account ADD COLUMN frozen TEXT NOT NULL DEFAULT '';     -- who stopped its sends, as network:name; empty: nobody

CREATE TABLE policy (                       -- what a team decided about its account
    account_id INTEGER NOT NULL REFERENCES account (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account_id, key)
) WITHOUT ROWID;

CREATE TABLE room_grant (                   -- a role for the members of a room, while they are members and it is invite-only
    account_id INTEGER NOT NULL REFERENCES account (id),
    network TEXT NOT NULL,
    room TEXT NOT NULL,
    role TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (account_id, network, room)
) WITHOUT ROWID;
CREATE INDEX room_grant_room ON room_grant (network, room);

CREATE TABLE gathering (                    -- what the network last told of a room; closed: invite-only
    network TEXT NOT NULL,
    room TEXT NOT NULL,
    closed INTEGER NOT NULL,
    PRIMARY KEY (network, room)
) WITHOUT ROWID;

CREATE TABLE member (
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    room TEXT NOT NULL,
    PRIMARY KEY (network, name, room)
) WITHOUT ROWID;
CREATE INDEX member_room ON member (network, room);

CREATE TABLE offer (                        -- a role that its person was asked about
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES account (id),
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    offered_by TEXT NOT NULL,               -- on the same network
    origin TEXT NOT NULL,
    message_id TEXT NOT NULL,
    thread TEXT,
    made_at REAL NOT NULL,
    state TEXT NOT NULL,                    -- 'made', 'asked', 'taken', 'declined', 'withdrawn'
    room TEXT,                              -- the DM
    answer_id INTEGER REFERENCES answer (id)
);
CREATE INDEX offer_open ON offer (network, name) WHERE state IN ('made', 'asked');
CREATE INDEX offer_giver ON offer (network, offered_by, made_at);
CREATE INDEX offer_answer ON offer (answer_id) WHERE answer_id IS NOT NULL;

CREATE TABLE recovery (                     -- somebody who holds the account and will own it unless an owner objects
    account_id INTEGER NOT NULL REFERENCES account (id),
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    message_id TEXT NOT NULL,
    thread TEXT,
    due_at REAL NOT NULL,
    PRIMARY KEY (account_id, network, name)
) WITHOUT ROWID;
CREATE INDEX recovery_due ON recovery (due_at);

ALTER TABLE team ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;      -- they proved to hold the account
UPDATE team SET linked = 1;                 -- until now there was no other way to a role

CREATE TABLE person (                       -- what somebody prefers; their time zone
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    zone TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (network, name)
) WITHOUT ROWID;

ALTER TABLE post ADD COLUMN scheduled_for REAL;                     -- the time that its author named
ALTER TABLE post ADD COLUMN thread_root INTEGER REFERENCES post (id);
ALTER TABLE post ADD COLUMN part INTEGER NOT NULL DEFAULT 0;        -- its place in the thread, from 1; 0: no thread
ALTER TABLE post ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;        -- millionths of a dollar
ALTER TABLE post ADD COLUMN content TEXT NOT NULL DEFAULT '';       -- the hash that a decision is bound to
CREATE INDEX post_scheduled ON post (due_at) WHERE state = 'scheduled';
CREATE INDEX post_text ON post (substr(trim(text, char(9, 10, 13, 32)), 1, 32), account_id) WHERE action = 'post';
CREATE INDEX post_thread ON post (thread_root, part) WHERE thread_root IS NOT NULL;
CREATE INDEX post_cost ON post (account_id, coalesce(claimed_at, scheduled_for, created_at)) WHERE cost > 0;
CREATE INDEX post_released ON post (network, author, fresh_at) WHERE fresh_at > created_at;    -- sent on a later word

CREATE TABLE decision (                     -- what an approver said about exactly that content
    post_id INTEGER NOT NULL REFERENCES post (id),
    network TEXT NOT NULL,
    name TEXT NOT NULL,
    verdict TEXT NOT NULL,                  -- 'approve', 'reject'
    content TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    event_id TEXT,                          -- the reaction, so that taking it back takes this back
    at REAL NOT NULL,
    PRIMARY KEY (post_id, network, name)
) WITHOUT ROWID;
CREATE INDEX decision_event ON decision (network, event_id) WHERE event_id IS NOT NULL;

CREATE TABLE preview (                      -- an answer that shows a post with exactly that content
    answer_id INTEGER PRIMARY KEY REFERENCES answer (id),
    post_id INTEGER NOT NULL REFERENCES post (id),
    version INTEGER NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX preview_post ON preview (post_id);

CREATE TABLE log (                          -- who did what, when, and how it ended; each row seals the one before
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    network TEXT NOT NULL,
    actor TEXT NOT NULL,                    -- empty: the bot itself
    account_id INTEGER REFERENCES account (id),
    post_id INTEGER REFERENCES post (id),
    room TEXT NOT NULL,
    verb TEXT NOT NULL,
    detail TEXT NOT NULL,
    outcome TEXT NOT NULL,
    hash BLOB NOT NULL
);
CREATE INDEX log_account ON log (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX log_actor ON log (account_id, network, actor, id) WHERE account_id IS NOT NULL;  -- or a poster's few deeds cost all
CREATE INDEX log_post ON log (post_id) WHERE post_id IS NOT NULL;
