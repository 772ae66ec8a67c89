-- Deliveries and mails are listed by index, of one status as of all.
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (webhook_id, status, position);
CREATE INDEX mails_listed ON mails (tenant_id, created_at, mail_id);
CREATE INDEX mails_by_status ON mails (tenant_id, status, created_at, mail_id);
