-- A month that is large becomes several segments: a segment is known by its table and where it begins.
ALTER TABLE archive_segments
    DROP CONSTRAINT archive_segments_pkey,
    ADD PRIMARY KEY (table_name, first_position);
