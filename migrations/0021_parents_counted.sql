-- What belongs to one parent is counted by looking at the index alone, whether what is retired counts or not.
SET LOCAL search_path TO read_model, public;

DROP INDEX resources_parent;
CREATE INDEX resources_parent ON resources (tenant_id, kind, parent_id, created_at, resource_id) INCLUDE (retired)
    WHERE parent_id IS NOT NULL;
