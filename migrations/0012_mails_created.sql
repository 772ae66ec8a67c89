-- Operators look through mails, the newest first.
CREATE INDEX mails_created ON mails (tenant_id, created_at, mail_id);
