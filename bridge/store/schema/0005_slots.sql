-- Drafts whose time comes while they wait for approval.

CREATE INDEX post_slot ON post (due_at) WHERE state = 'draft';
