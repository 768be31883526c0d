-- Pictures of posts.

ALTER TABLE post ADD COLUMN media TEXT NOT NULL DEFAULT '';         -- a JSON array of them in order; empty: none
