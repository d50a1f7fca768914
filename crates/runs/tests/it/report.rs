//! The report: complete, well formed, and in need of nothing outside itself.

use std::collections::BTreeSet;

use worldwright_core::Frame;
use worldwright_runs::report::plot::{Axis, Layer, Mark, Plot, ScaleKind, Tone};
use worldwright_runs::report::{Page, card, evaluation_card, gif, html, picture};
use worldwright_runs::{
    Accounts, CalibrationPoint, Channel, Diagnostics, FilmRoll, KStepError, ModelErrors, Rollout, Row, RowKind,
    RunFolder, Summary,
};

fn row(kind: RowKind, step: u64, values: &[(&'static str, f64)]) -> Row {
    let values = values.iter().map(|(name, value)| ((*name).into(), *value)).collect();
    Row { kind, episode: step / 200, step, values, clock: vec![] }
}

fn channel(name: &str, length: usize) -> Channel {
    let curve = |shift: f64| (0..length).map(|i| (0.1 * i as f64 + shift).sin()).collect::<Vec<f64>>();
    let std = (0..length).map(|i| 0.01 * i as f64).collect();
    Channel { name: name.into(), real: curve(0.0), mean: curve(0.01), std, samples: vec![curve(0.02), curve(-0.01)] }
}

fn page() -> Page {
    let rollout =
        Rollout { episode: 0, start: 10, observation: vec![channel("x < y & z", 31)], reward: channel("reward", 30) };
    let k_step = (1..=20).map(|k| KStepError {
        k,
        rmse: 0.01 * k as f64,
        predicted_std: 0.009 * k as f64,
        reward_rmse: 0.1,
        persistence_rmse: 0.05 * k as f64,
        starts: 100,
    });
    Page {
        environment: "pendulum".into(),
        algorithm: "pets".into(),
        run: "runs/my run".into(),
        summary: Some(Summary {
            accounts: Accounts {
                resets: 5,
                rewards: 1000,
                model_steps: 2_400_000,
                regret: Some(310.0),
                ..Accounts::default()
            },
            format: 1,
            environment: "pendulum".into(),
            algorithm: "pets".into(),
            parts: [("model".into(), "ensemble".into()), ("planner".into(), "cem".into())].into(),
            updates: 0,
            seed: 3,
            config_sha256: "c0ffee".into(),
            return_mean: -142.31,
            return_std: 80.72,
            returns: vec![-100.0, -200.0],
            real_steps: 1000,
            episodes: 5,
            wall_secs: 93.0,
            train_secs: 60.0,
            evaluation_secs: 30.0,
            decisions_per_sec: Some(41.2),
            learn_secs: 38.0,
            model_errors: ModelErrors { one_step: Some(0.0043), ..ModelErrors::default() },
            bundle: "bundle".into(),
            weights_digest: "2c26b46b".into(),
            notes: vec!["there is no film <of> it".into()],
            metrics_sha256: None,
        }),
        diagnostics: Some(Diagnostics {
            choices: false,
            format: 1,
            model: "ensemble".into(),
            dt_secs: 0.05,
            k_step: k_step.collect(),
            calibration: (1..10)
                .map(|i| CalibrationPoint { nominal: 0.1 * f64::from(i), observed: (0.1 * f64::from(i)).powi(2) })
                .collect(),
            rollouts: vec![rollout.clone(), rollout],
            diverged: 2,
            note: String::new(),
        }),
        rows: vec![
            row(RowKind::Episode, 200, &[("return", -1402.0)]),
            row(RowKind::Episode, 400, &[("return", f64::NAN)]),
            row(RowKind::Episode, 600, &[("return", -120.0)]),
            row(RowKind::Evaluation, 600, &[("return_mean", -140.0), ("return_std", 20.0)]),
        ],
        config: "seed = 3\n".into(),
        versions: vec![("worldwright".into(), "0.1.0".into())],
        film: Some(b"GIF89a".to_vec()),
    }
}

/// Fails when tags do not nest, text is not escaped or a number is none; gives back all ids.
fn check_markup(text: &str) -> BTreeSet<String> {
    let (mut open, mut ids): (Vec<&str>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    let style = text.find("<style>").unwrap_or(0)..text.find("</style>").map_or(0, |at| at + 8);
    let text = format!("{}{}", &text[..style.start], &text[style.end..]);
    for piece in text.split('<').skip(1) {
        let (tag, content) = piece.split_once('>').expect("every tag is closed");
        assert!(!content.contains("NaN") && !tag.contains("NaN") && !tag.contains("inf"), "{piece}");
        assert!(content.split('&').skip(1).all(|rest| rest.contains(';')), "bare ampersand in {content}");
        let name = tag.split([' ', '/']).next().unwrap();
        if let Some(end) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(end), "tags nest");
        } else if !tag.ends_with('/') && !["!doctype", "meta", "img"].contains(&name) {
            open.push(text_slice(piece, name));
        }
        if let Some(id) = tag.split_once(" id=\"").map(|(_, rest)| rest.split('"').next().unwrap()) {
            assert!(ids.insert(id.to_owned()), "the id {id} stands twice");
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    ids
}

fn text_slice<'a>(piece: &'a str, name: &str) -> &'a str {
    &piece[..name.len()]
}

#[test]
fn the_page_is_whole_and_needs_nothing_else() {
    let text = html(&page());
    check_markup(&text);
    for outside in ["http:", "https:", "<script", "<link", "@import", "src=\"/", "url("] {
        assert!(!text.contains(outside), "{outside}");
    }
    for heading in [
        "Learning curve",
        "The last episode",
        "Predicted against real",
        "Error against steps ahead",
        "Calibration",
        "Record",
        "Going on from here",
    ] {
        assert!(text.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    for fact in [
        "−142.31 ± 80.72",
        "1:33 min",
        "x &lt; y &amp; z",
        "It is too sure of itself",
        "It beats predicting no change at every horizon",
        "worldwright eval &#39;runs/my run/bundle&#39;",
        "data:image/gif;base64,R0lGODlh",
        "2 imagined trajectories became infinite",
        "c0ffee",
    ] {
        assert!(text.contains(fact), "{fact}");
    }
}

#[test]
fn an_unfinished_or_empty_run_still_has_a_page() {
    let unfinished = html(&Page { summary: None, diagnostics: None, film: None, ..page() });
    check_markup(&unfinished);
    assert!(unfinished.contains("not finished") && unfinished.contains("--resume"));
    check_markup(&html(&Page::default()));
    check_markup(&picture(&Page::default()));
}

#[test]
fn the_picture_stands_alone() {
    let text = picture(&page());
    check_markup(&text);
    assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(text.contains("prefers-color-scheme: dark"));
}

#[test]
fn data_stays_inside_the_frame_and_gaps_break_the_line() {
    let points = vec![[0.0, 1.0], [1.0, 10.0], [2.0, f64::NAN], [3.0, -4.0], [4.0, 0.0]];
    let plot = Plot {
        title: "t".into(),
        description: String::new(),
        show_title: false,
        x: Axis::new("x"),
        y: Axis::new("y"),
        layers: vec![Layer::new("data", Tone::Real, Mark::Line(points))],
        width: 400.0,
        height: 200.0,
    };
    let text = plot.svg("p");
    let path = text.split("<path class=\"line real\" d=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(path.matches('M').count(), 2, "{path}");
    assert_eq!(path.matches('L').count(), 2, "{path}");
    for point in path.split(['M', 'L']).skip(1) {
        let (x, y) = point.split_once(' ').unwrap();
        let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
        assert!((0.0..=400.0).contains(&x) && (0.0..=200.0).contains(&y), "{point}");
    }
}

#[test]
fn a_long_curve_is_thinned_but_keeps_its_peak() {
    let mut points: Vec<[f64; 2]> = (0..100_000).map(|i| [f64::from(i), 0.001 * f64::from(i % 7)]).collect();
    points[54_321][1] = 5.0;
    let plot = |points: Vec<[f64; 2]>| Plot {
        title: "t".into(),
        description: String::new(),
        show_title: false,
        x: Axis { tight: true, ..Axis::new("x") },
        y: Axis { tight: true, scale: ScaleKind::Linear, include: vec![0.0, 5.0], ..Axis::new("y") },
        layers: vec![Layer::new("", Tone::Model, Mark::Line(points))],
        width: 700.0,
        height: 300.0,
    };
    let text = plot(points).svg("p");
    assert!(text.len() < 60_000, "{}", text.len());
    // The peak is at the top of the frame, 10 pixels down.
    assert!(text.contains(" 10.0L"), "the peak was lost");
}

#[test]
fn the_page_of_a_very_long_run_stays_small() {
    let rows = (0..200_000).map(|i| row(RowKind::Episode, 10 * i, &[("return", (i as f64).sin())]));
    let evaluations =
        (0..50_000).map(|i| row(RowKind::Evaluation, 40 * i, &[("return_mean", 1.0), ("return_std", 0.1)]));
    let text = html(&Page { rows: rows.chain(evaluations).collect(), ..page() });
    assert!(text.len() < 700_000, "{}", text.len());
}

#[test]
fn what_a_person_should_know_is_on_the_page() {
    assert!(html(&page()).contains("<p>There is no film &lt;of&gt; it.</p>"));
}

#[test]
fn errors_of_choices_are_told_relative_to_guessing_the_mean_everywhere() {
    let told = html(&page());
    assert!(told.contains("error (std of the data)") && told.contains("(std of the data), measured from"));
    let mut chosen = page();
    chosen.diagnostics.iter_mut().for_each(|diagnostics| diagnostics.choices = true);
    chosen.summary.iter_mut().for_each(|summary| summary.model_errors.choices = true);
    let told = html(&chosen);
    assert!(told.contains("error (relative to guessing the mean)") && !told.contains("std of the data"));
    assert!(told.contains("(relative to guessing the mean), measured from"));
}

#[test]
fn cards_say_in_few_lines_what_a_run_and_an_evaluation_came_to() {
    let mut whole = page();
    whole.config = "steps = 1000\nseed = 3\n[agent]\nname = \"pets\"\n[environment]\nname = \"pendulum\"\n[planner]\nname = \"cem\"\n\
                    [model]\nname = \"ensemble\"\n"
        .into();
    let told = card(&whole, Some("runs/my run/report.html"));
    check_markup(&told);
    for words in [
        "pendulum · pets · seed 3",
        ">model</td>",
        ">cem</td>",
        "−142.3 ± 80.7 over 2 evaluation episodes",
        "1,000 real steps in 5 episodes",
        "0.0043 one step ahead (std of the data)",
        "there is no film &lt;of&gt; it",
        "1:00 min of training, 41.2 decisions a second",
        "href=\"runs/my run/report.html\"",
        "<svg",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    // An algorithm without a model or a planner, cut before its first episode ended.
    let cut = Page { config: "steps = 1000\n".into(), rows: Vec::new(), summary: None, diagnostics: None, ..page() };
    let told = card(&cut, None);
    check_markup(&told);
    assert!(told.contains("not finished: 0 of") && !told.contains("href") && !told.contains("<svg"));
    let told = evaluation_card(1.5, 0.5, &[1.0, 2.0], &[10, 12]);
    check_markup(&told);
    assert!(
        told.contains("1.50 ± 0.50</b> over 2 episodes")
            && told.contains("10 to 12 an episode")
            && told.contains("<svg")
    );
    assert!(!evaluation_card(1.0, 0.0, &[1.0], &[10]).contains("<svg"));
}

#[test]
fn a_film_of_noise_is_small_enough_for_a_page() {
    let mut rng = worldwright_core::Rng::new(5);
    let mut noise = || (0..3 * 320 * 240).map(|_| (256.0 * rng.uniform()) as u8).collect();
    let film = FilmRoll::from((0..220).map(|_| Frame { width: 320, height: 240, rgb: noise() }).collect::<Vec<_>>());
    let bytes = gif(&film, 0.05).unwrap();
    assert!(bytes.len() <= 12 << 20, "{}", bytes.len());
}

#[test]
fn a_film_leaves_frames_out_but_keeps_its_pace_and_its_end() {
    let frame = |i: u8| Frame { width: 4, height: 3, rgb: vec![10 * i; 36] };
    let film = FilmRoll::from((0..20).map(frame).collect::<Vec<_>>());
    // Each picture has a graphics control extension 21 f9 04 <flags> <delay in 1/100 s, little endian>.
    let delays = |film: &[u8]| -> Vec<u16> {
        film.windows(6).filter(|w| w[..3] == [0x21, 0xf9, 4]).map(|w| u16::from_le_bytes([w[4], w[5]])).collect()
    };
    assert_eq!(delays(&gif(&film, 0.05).unwrap()), vec![5; 20]);
    assert_eq!(delays(&gif(&film, 0.01).unwrap()), vec![3; 8], "frames 0, 3, …, 18 and 19");
    assert!(gif(&FilmRoll::default(), 0.1).is_err());
}

#[test]
fn a_page_is_read_back_from_a_run_folder() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(place.path());
    let error = Page::read(&folder).unwrap_err().to_string();
    assert!(error.contains("is no run folder"), "{error}");

    let write = |path: std::path::PathBuf, text: &str| std::fs::write(path, text).unwrap();
    write(folder.config(), "steps = 400\n[agent]\nname = \"pets\"\n[environment]\nname = \"pendulum\"\n");
    write(folder.record(), "format = 1\n[versions]\nworldwright = \"0.1.0\"\n");
    write(
        folder.metrics(),
        "{\"kind\":\"episode\",\"episode\":0,\"step\":200,\"return\":-5.5,\"terminated\":false,\"clock\":{\"wall_secs\":2.0}}\n\
         {\"kind\":\"learn\",\"episode\":0,\"step\":200,\"holdout_mse\":null,\"clock\":{}}\n{\"kind\":\"epis",
    );
    let page = Page::read(&folder).unwrap();
    assert_eq!((page.environment.as_str(), page.algorithm.as_str()), ("pendulum", "pets"));
    assert_eq!(page.versions, [("worldwright".to_owned(), "0.1.0".to_owned())]);
    assert_eq!(page.rows.len(), 2);
    assert_eq!(
        (page.rows[0].step, page.rows[0].get("return"), page.rows[0].get("wall_secs")),
        (200, Some(-5.5), Some(2.0))
    );
    assert!(page.rows[1].get("holdout_mse").unwrap().is_nan());
    assert!(page.summary.is_none() && page.film.is_none());

    write(folder.summary(), "{");
    assert!(Page::read(&folder).unwrap_err().to_string().contains("is damaged"));
}
