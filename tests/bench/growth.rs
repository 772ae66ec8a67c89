//! What it costs as it grows: the ten-thousandth machine of a license, and verifying among many licenses.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use licet_projections::status;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    http::{Sent, drive, exchange, machine, server},
    setup::{Bench, licenses, median, platform},
};

pub(crate) async fn run(bench: &Bench, count: u32) -> anyhow::Result<()> {
    let url = bench.database("growth").await?;
    let platform = platform(&url).await?;
    let one = licenses(&platform, "one", 1_000_000, 1).await?;
    let few = licenses(&platform, "few", 10, 1_000).await?;
    let server = server(&url, &[])?;
    let mut stream = TcpStream::connect(&server.address).await?;
    stream.set_nodelay(true)?;
    let mut took = Vec::new();
    for number in 0..10_500 {
        let request = Sent::from(machine(&one[0], number)).request("/api/license/activate");
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        exchange(&mut stream, &mut Vec::new()).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    let (early, late) = (median(took[100..600].to_vec()), median(took[9_900..10_400].to_vec()));
    println!(
        "activating one license's machines, one at a time: {early:.0} µs around the 350th, {late:.0} µs around the 10,150th: ratio {:.2}, aim at most 1.3",
        late / early
    );

    let verify = async |keys: Arc<Vec<String>>| -> anyhow::Result<Vec<f64>> {
        let mut rates = Vec::new();
        for _ in 0..5 {
            let keys = Arc::clone(&keys);
            let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let rate = drive(
                &server.address,
                "/api/license/verify",
                32,
                Duration::from_secs(2),
                move || {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    machine(&keys[number % keys.len()], 1)
                },
            )
            .await?;
            rates.push(1e6 / rate.per_second);
        }
        Ok(rates)
    };
    let few = Arc::new(few);
    let among_few = median(verify(Arc::clone(&few)).await?);
    let started = Instant::now();
    licenses(&platform, "many", 10, count).await?;
    println!("issued {count} licenses in {:.0} s", started.elapsed().as_secs_f64());
    // The projectors catch up first: what is measured is the size, not their work beside it.
    while status(&platform.log).await?.iter().any(|one| one.position < one.head) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let among_many = median(verify(few).await?);
    println!(
        "verifying the same thousand licenses: {among_few:.1} µs among 1,001, {among_many:.1} µs among {}: ratio {:.2}, aim at most 1.3",
        count + 1_001,
        among_many / among_few
    );
    Ok(())
}
