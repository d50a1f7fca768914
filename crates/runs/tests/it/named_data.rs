//! Recorded data that come in another order than the environment's are matched by name.

use std::path::Path;

use worldwright_core::{Interrupt, Space};
use worldwright_data::{ColumnNames, EpisodeStore, import_as};
use worldwright_runs::{Lists, Workshop};

use crate::tiny::experiment;

/// Imports three rows of pendulum with columns in this order.
fn log(folder: &Path, order: &[usize]) -> std::path::PathBuf {
    let names = ["obs_cos_theta", "obs_sin_theta", "obs_theta_dot"];
    let rows = [[0.25, -0.5, 1.5], [0.75, -0.75, 2.5], [0.125, -1.0, 3.5]];
    let cells = |row: &[f64; 3]| order.iter().map(|i| row[*i].to_string()).collect::<Vec<_>>().join(",");
    let head = order.iter().map(|i| names[*i]).collect::<Vec<_>>().join(",");
    let text = format!(
        "{head},action,reward\n{},0.5,-1\n{},0.25,-2\n{},,\n",
        cells(&rows[0]),
        cells(&rows[1]),
        cells(&rows[2])
    );
    let (path, out) = (folder.join("log.csv"), folder.join("store"));
    std::fs::write(&path, text).unwrap();
    import_as(&path, "csv", &ColumnNames::default(), &out, &Interrupt::never()).unwrap();
    out
}

#[test]
fn columns_with_the_environments_names_are_put_into_its_order() {
    for order in [[0, 1, 2], [2, 0, 1]] {
        let place = tempfile::tempdir().unwrap();
        let data = log(place.path(), &order);
        assert_eq!(EpisodeStore::open(&data).unwrap().header().observation_space, Space::unbounded(3));
        let wanted = experiment(&["steps=200", &format!("data={}", data.display())]);
        let made = Lists.environment(&wanted).unwrap();
        let (recorded, notes) = Lists.recorded(&wanted, &made).unwrap().unwrap();
        assert_eq!(recorded.observation(1), [0.75, -0.75, 2.5], "{order:?}");
        assert_eq!(recorded.next_observation(1), [0.125, -1.0, 3.5], "{order:?}");
        assert!(notes.is_empty(), "{notes:?}");
    }
}

#[test]
fn other_names_are_taken_as_they_stand_and_it_is_said() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("log.csv");
    std::fs::write(&path, "obs_x,obs_y,obs_z,action,reward\n1.5,2.5,3.5,0.5,1\n4.5,5.5,6.5,,\n").unwrap();
    let out = place.path().join("store");
    import_as(&path, "csv", &ColumnNames::default(), &out, &Interrupt::never()).unwrap();
    let wanted = experiment(&["steps=200", &format!("data={}", out.display())]);
    let made = Lists.environment(&wanted).unwrap();
    let (recorded, notes) = Lists.recorded(&wanted, &made).unwrap().unwrap();
    assert_eq!(recorded.observation(0), [1.5, 2.5, 3.5]);
    assert!(notes[0].contains("x, y, z") && notes[0].contains("cos_theta, sin_theta, theta_dot"), "{notes:?}");
}
