-- Every page of a list costs the same, whatever is filtered: an index for each filter, in the order of the list, over what
-- the list shows, so that counting looks at the index alone.
SET LOCAL search_path TO read_model, public;

DROP INDEX license_state_customer;
DROP INDEX license_state_issued;
CREATE INDEX license_state_issued ON license_state (tenant_id, issued_at, license_id) WHERE standing <> 'retired';
CREATE INDEX license_state_customer ON license_state (tenant_id, customer_id, issued_at, license_id) WHERE standing <> 'retired';
CREATE INDEX license_state_policy ON license_state (tenant_id, policy_id, issued_at, license_id) WHERE standing <> 'retired';
CREATE INDEX license_state_product ON license_state (tenant_id, product_id, issued_at, license_id) WHERE standing <> 'retired';
CREATE INDEX resources_listed ON resources (tenant_id, kind, created_at, resource_id) WHERE NOT retired;
CREATE INDEX resources_parent ON resources (tenant_id, kind, parent_id, created_at, resource_id) WHERE parent_id IS NOT NULL;
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, position);
CREATE INDEX audit_log_action ON audit_log (tenant_id, action, position);
