//! What was acknowledged is kept: through kills, full and failing disks, other processes, damage, upgrades and time.

#[path = "../support/mod.rs"]
mod support;

mod child;
mod damage;
mod disk;
mod kill;
mod others;
mod paths;
mod retention;
mod scale;
mod serve;
mod upgrade;
