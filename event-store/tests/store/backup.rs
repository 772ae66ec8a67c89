//! What is in a backup, against the real schema.

use licet_event_store::{LogTable, backup};
use licet_test_support::TestDatabase;

#[tokio::test]
async fn every_table_is_kept_or_left_out() {
    let database = TestDatabase::new().await;
    let found = database
        .text(
            "SELECT string_agg(relname::text, ' ' ORDER BY relname) FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
        )
        .await;
    let mut decided: Vec<&str> = LogTable::ALL.iter().map(|table| table.as_str()).collect();
    decided.extend(backup::KEPT);
    decided.extend(backup::LEFT_OUT);
    decided.sort_unstable();
    // A new table has to be decided on: whether a restore needs it.
    assert_eq!(found.split(' ').collect::<Vec<_>>(), decided);
}
