//! Pictures of every environment, and films of them.

use worldwright_core::{Frame, Rng};
use worldwright_envs::{ALL, make, write_gif};

fn film(name: &str, frames: usize) -> Vec<Frame> {
    let mut made = make(name, &Default::default()).unwrap();
    let mut rng = Rng::new(1);
    made.environment.reset(2).unwrap();
    let mut film = vec![made.environment.render().unwrap()];
    while film.len() < frames {
        let action = made.environment.action_space().sample(&mut rng);
        if made.environment.step(&action).unwrap().done() {
            made.environment.reset(3).unwrap();
        }
        film.push(made.environment.render().unwrap());
    }
    film
}

#[test]
fn every_environment_is_seen_to_move() {
    for entry in ALL {
        let film = film(entry.name, 24);
        for frame in &film {
            assert_eq!(frame.rgb.len(), 3 * frame.width * frame.height);
        }
        let differing = |frame: &Frame| film[0].rgb.iter().zip(&frame.rgb).filter(|(a, b)| a != b).count();
        let moved = film.iter().map(differing).max().unwrap();
        assert!(moved > 60, "{}: {moved} bytes differ", entry.name);
        let mut colours: Vec<&[u8]> = film[23].rgb.chunks(3).collect();
        colours.sort_unstable();
        colours.dedup();
        assert!(colours.len() > 4, "{}", entry.name);
        // Writes the last frame as a portable pixmap where asked, for eyes.
        if let Ok(folder) = std::env::var("WORLDWRIGHT_FRAMES") {
            let mut bytes = format!("P6 {} {} 255\n", film[23].width, film[23].height).into_bytes();
            bytes.extend_from_slice(&film[23].rgb);
            std::fs::write(std::path::Path::new(&folder).join(format!("{}.ppm", entry.name)), bytes).unwrap();
        }
    }
}

/// Plays a GIF as a viewer does: each frame is laid over what was there.
fn play(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<u16>) {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).unwrap();
    let width = usize::from(decoder.width());
    let mut screen = vec![0_u8; 3 * width * usize::from(decoder.height())];
    let (mut screens, mut delays) = (Vec::new(), Vec::new());
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        for (i, rgba) in frame.buffer.chunks_exact(4).enumerate() {
            let (x, y) = (i % usize::from(frame.width), i / usize::from(frame.width));
            let at = 3 * ((y + usize::from(frame.top)) * width + x + usize::from(frame.left));
            screen[at..at + 3].copy_from_slice(&rgba[..3]);
        }
        screens.push(screen.clone());
        delays.push(frame.delay);
    }
    (screens, delays)
}

#[test]
fn a_film_decodes_to_the_frames_it_was_made_of() {
    for name in ["pendulum", "pets-cartpole", "mountain-car", "point-mass"] {
        let film = film(name, 10);
        let mut bytes = Vec::new();
        write_gif(&mut bytes, &film, 20.0).unwrap();
        let (screens, delays) = play(&bytes);
        assert_eq!(screens.len(), film.len());
        for (screen, frame) in screens.iter().zip(&film) {
            assert!(*screen == frame.rgb, "{name}: a frame came back different");
        }
        assert!(delays.iter().all(|delay| *delay == 5), "{delays:?}");
        assert!(bytes.len() < 8_000 + 4_000 * film.len(), "{name}: {} bytes", bytes.len());
    }
}

#[test]
fn many_colours_come_back_near() {
    let gradient = |shift: usize| {
        let rgb = (0..64 * 48).flat_map(|i| [(i % 64 * 4) as u8, (i / 64 * 5) as u8, (shift * 20) as u8]).collect();
        Frame { width: 64, height: 48, rgb }
    };
    let film: Vec<Frame> = (0..3).map(gradient).collect();
    let mut bytes = Vec::new();
    write_gif(&mut bytes, &film, 10.0).unwrap();
    let (screens, _) = play(&bytes);
    for (screen, frame) in screens.iter().zip(&film) {
        let off: f64 = screen.iter().zip(&frame.rgb).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        // A grid of 16 × 16 colours would be 2.6 off; the quantiser samples, and one flat colour is 41 off.
        assert!(off / (screen.len() as f64) < 12.0, "{}", off / screen.len() as f64);
    }
}

#[test]
fn films_that_cannot_be_are_errors() {
    let frame = |width: usize| Frame { width, height: 2, rgb: vec![0; 6 * width] };
    assert!(write_gif::<Frame>(Vec::new(), &[], 10.0).is_err());
    assert!(write_gif(Vec::new(), &[frame(2), frame(3)], 10.0).is_err());
    assert!(write_gif(Vec::new(), &[frame(70_000)], 10.0).is_err());
    assert!(write_gif(Vec::new(), &[frame(2)], f64::NAN).is_err());
    assert!(write_gif(Vec::new(), &[Frame { width: 2, height: 2, rgb: vec![0; 3] }], 10.0).is_err());
}
