-- Floating seats are looked up by license when a machine asks for one. The moment itself is not indexed, so that a beat,
-- which only moves it, touches no index; the worker that looks for silent seats reads the whole table at its pace.
CREATE INDEX seat_holds_license ON seat_holds (license_id);
ALTER TABLE seat_holds SET (fillfactor = 70);
