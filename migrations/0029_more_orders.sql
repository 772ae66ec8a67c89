-- What is out of use is listed too where it is asked for, and licenses by how many machines they have. What is retired is
-- found by its name: the index of search is filled again.
DELETE FROM consumers WHERE name = 'search';

SET LOCAL search_path TO read_model, public;

CREATE INDEX resources_retired ON resources (tenant_id, kind, created_at, resource_id) WHERE retired;
CREATE INDEX license_state_active ON license_state (tenant_id, active, license_id) WHERE standing <> 'retired';
