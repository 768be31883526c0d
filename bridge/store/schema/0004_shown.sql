-- Pictures that are shown to those who approve them.

ALTER TABLE answer ADD COLUMN medium TEXT NOT NULL DEFAULT '';      -- what an answer of the kind 'media' shows, as in post.media
ALTER TABLE gathering ADD COLUMN encrypted INTEGER NOT NULL DEFAULT 0;
