-- Whether an order went in is only ever asked about the newest positions, after a commit whose answer was lost: the index
-- on positions finds those. One index less is written for each beat and each refusal.
DROP INDEX heartbeat_events_command;
DROP INDEX decision_events_command_id_idx;

-- Counters are updated in place while there is room on their page.
ALTER TABLE read_model.feature_usage SET (fillfactor = 80);
ALTER TABLE read_model.meter_usage SET (fillfactor = 80);
ALTER TABLE read_model.meter_days SET (fillfactor = 80);
