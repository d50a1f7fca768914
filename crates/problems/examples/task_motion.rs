//! A robot fetches a block from a closet whose way another one obstructs, and puts it where a third one stands:
//! `cargo run --release -p worldwright-problems --example task_motion -- plan.svg`.
//!
//! The world is that of `worldwright plan tabletop`. Prints the plan and what was found impossible on the way to it, and draws one picture a step.

#![allow(clippy::print_stdout)]

use std::fmt::Write;

use worldwright_core::{Error, Result};
use worldwright_motion::Point;
use worldwright_motion::task_motion::{Action, CheapestSkeletons, PickPlace, Plan, TaskMotion, World};
use worldwright_problems::closet;

fn main() -> Result<()> {
    let problem = PickPlace::new(closet()?)?;
    let mut search = CheapestSkeletons::new(&problem.task, 100_000)?;
    let report = TaskMotion::default().solve(&problem, &mut search)?;
    for (operator, facts) in &report.excluded {
        println!("impossible: {operator} while {}", facts.join(" and "));
    }
    println!("{} skeletons, {} motions planned", report.skeletons, report.motions);
    let Some(plan) = report.plan else {
        println!("no plan found");
        return Ok(());
    };
    for (i, step) in plan.steps.iter().enumerate() {
        println!("{}. {} ({} way points)", i + 1, step.name, step.path.points.len());
    }
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(&file, picture(&problem.world, &plan)).map_err(|why| Error::external(file, why.to_string()))?;
    }
    Ok(())
}

/// One panel a step: where things stand before it, and the robot's way with what it carries.
fn picture(world: &World, plan: &Plan) -> String {
    const COLOURS: [&str; 3] = ["#d2453c", "#3b6fb6", "#4b9b57"];
    let columns = 3;
    let rows = plan.steps.len().div_ceil(columns);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {} {}' width='{}' font-family='sans-serif'>\n\
         <rect width='100%' height='100%' fill='white'/>\n",
        columns as f64 * 6.4,
        rows as f64 * 4.8,
        columns * 420
    );
    let mut at: Vec<Point> = world.objects.iter().map(|object| object.home).collect();
    for (i, step) in plan.steps.iter().enumerate() {
        let (x, y) = ((i % columns) as f64 * 6.4 + 0.2, (i / columns) as f64 * 4.8 + 0.6);
        let _ = writeln!(
            svg,
            "<g transform='translate({x} {y})'><text y='-0.15' font-size='0.32'>{}. {}</text>",
            i + 1,
            step.name
        );
        let _ = writeln!(svg, "<g transform='translate(0 4) scale(1 -1)'><rect width='6' height='4' fill='#f6f4ef'/>");
        for region in &world.regions {
            let (w, h) = (region.high[0] - region.low[0], region.high[1] - region.low[1]);
            let _ = writeln!(
                svg,
                "<rect x='{}' y='{}' width='{w}' height='{h}' fill='#e6dfa8'/>",
                region.low[0], region.low[1]
            );
        }
        for [low, high] in world.walls.iter().map(|wall| wall.as_convex().bounds()) {
            let (w, h) = (high[0] - low[0], high[1] - low[1]);
            let _ = writeln!(svg, "<rect x='{}' y='{}' width='{w}' height='{h}' fill='#555'/>", low[0], low[1]);
        }
        let mut disc = |at: Point, radius: f64, fill: &str, opacity: f64| {
            let _ = writeln!(
                svg,
                "<circle cx='{:.3}' cy='{:.3}' r='{radius}' fill='{fill}' fill-opacity='{opacity}'/>",
                at[0], at[1]
            );
        };
        for (o, object) in world.objects.iter().enumerate() {
            if step.held.is_none_or(|(held, _)| held != o) {
                disc(at[o], object.radius, COLOURS[o], 1.0);
            }
        }
        let points: Vec<Point> = step.path.points.iter().map(|p| [p[0], p[1]]).collect();
        for (p, opacity) in [(points[0], 0.25), (points[points.len() - 1], 0.7)] {
            disc(p, world.robot, "#222", opacity);
            if let Some((o, offset)) = step.held {
                disc([p[0] + offset[0], p[1] + offset[1]], world.objects[o].radius, COLOURS[o], opacity);
            }
        }
        let line: Vec<String> = points.iter().map(|p| format!("{:.3},{:.3}", p[0], p[1])).collect();
        let _ = writeln!(svg, "<polyline points='{}' fill='none' stroke='#222' stroke-width='0.05'/>", line.join(" "));
        svg.push_str("</g></g>\n");
        if let Action::Place { object, at: put, .. } = step.action {
            at[object] = put;
        }
    }
    svg.push_str("</svg>\n");
    svg
}
