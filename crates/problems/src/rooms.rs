//! Four rooms crossed by skills: a choice is a walk to a hallway instead of one step.

use std::collections::BTreeMap;

use worldwright_core::{
    Action, Budget, Entry, Key, Observation, Parameter, Result, Setting, SettingDefault as Default, Settings,
    WorldModel,
};

use super::Solve;
use super::cube::SEED;
use super::maze::Map;
use super::solution::{Solution, Status};
use worldwright_envs::maze::{FOUR_ROOMS, HALLWAYS, Hallway, Maze, MazeModel};
use worldwright_planners::skills::{Primitive, Skill, SkillModel, Tabulated};
use worldwright_planners::{PlannerContext, make};

pub(super) const ENTRY: Entry<Solve> = Entry {
    name: "rooms",
    summary: "four rooms crossed by skills that walk to a hallway, and by single steps where they are better",
    source: "Sutton, Precup and Singh 1999; Kocsis and Szepesvári 2006 (UCT)",
    parameters: &[
        Parameter { name: "start", default: Default::Numbers(&[1.0, 1.0]), summary: "column and row, 1 to 11 each" },
        Parameter { name: "goal", default: Default::Numbers(&[9.0, 8.0]), summary: "column and row, 1 to 11 each" },
        Parameter {
            name: "skills",
            default: Default::Bool(true),
            summary: "whether there are skills beside single steps",
        },
        Parameter { name: "discount", default: Default::Float(0.95), summary: "what a reward one step later counts" },
        Parameter { name: "horizon", default: Default::Integer(8), summary: "choices that a plan looks ahead" },
        Parameter { name: "simulations", default: Default::Integer(2_000), summary: "simulations a decision" },
        Parameter { name: "steps", default: Default::Integer(60), summary: "choices after which to give up" },
        SEED,
    ],
    build: solve,
};

/// Steps after which a skill ends in any case; no room takes so many.
const LONGEST: usize = 50;

fn solve(settings: &Settings) -> Result<Solution> {
    let maze = Maze::parse(FOUR_ROOMS);
    let cell = |key: &str| maze.placed(key, settings.numbers(key)?);
    let (start, goal) = (cell("start")?, cell("goal")?);
    let seed = settings.seed("seed")?;
    let world = MazeModel::new(maze, goal, settings.float("discount", 0.0, 1.0)?, 0.0)?;
    let hallways: Vec<usize> = HALLWAYS.iter().filter_map(|cell| world.maze.at(*cell)).collect();
    let steps = MazeModel::MOVES.iter().enumerate();
    let steps = steps.map(|(choice, name)| Primitive { name: format!("step {name}"), action: vec![choice as f64] });
    let mut skills: Vec<Box<dyn Skill>> = steps.map(|step| Box::new(step) as Box<dyn Skill>).collect();
    if settings.bool("skills")? {
        let ways = Hallway::all(&world, &hallways).into_iter();
        skills.extend(ways.map(|Hallway { name, policy }| Box::new(Tabulated { name, policy }) as Box<dyn Skill>));
    }
    let model = SkillModel::new(&world, skills, LONGEST)?;
    let whole = |key| settings.count(key, 1).map(|count| Setting::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
    let mut overrides = BTreeMap::new();
    overrides.insert("simulations".to_owned(), whole("simulations")?);
    overrides.insert("horizon".to_owned(), whole("horizon")?);
    let mut planner = make("uct", &PlannerContext::for_model(model.spec(), seed), &overrides)?;
    let mut imagined = model.imagination(planner.rows());
    let mut solution = Solution::new(Status::Solved, &["step", "choice", "steps", "column", "row"]);
    let mut map = Map::new(&world.maze);
    let (mut here, mut walked) = (start, 0);
    for step in 0..settings.count("steps", 1)? {
        if here == goal {
            break;
        }
        imagined.observe(0, None, &Observation::Floats(vec![here as f64]), Key::new(seed))?;
        planner.improve(&mut *imagined, 0, &Budget::default())?;
        let mut action = Action::Integer(0);
        planner.act(0, &mut action);
        let choice = action.integer().unwrap_or(0) as usize;
        let skill = &model.skills()[choice];
        let before = walked;
        let mut number = [0.0];
        for t in 0..LONGEST {
            let seen = [here as f64];
            let ends = if t == 0 { !skill.may_start(&seen) } else { skill.end_chance(&seen, t) >= 1.0 };
            if ends || here == goal {
                break;
            }
            skill.act(&seen, t, &mut number);
            map.mark(world.maze.cells[here], '·');
            here = world.next(here, number[0] as usize);
            walked += 1;
        }
        let [column, row] = world.maze.cells[here];
        solution.row([(step + 1).into(), skill.name().into(), (walked - before).into(), column.into(), row.into()]);
        planner.shift(1);
    }
    if here != goal {
        solution.status = Status::Unsolved;
        solution.notes.push("the goal was not reached: more simulations, or skills=true, help".to_owned());
    }
    solution.fact("steps", walked);
    solution.fact("choices", solution.rows.len());
    if let Some(shortest) = world.maze.steps_from(start)[goal] {
        solution.fact("shortest way", shortest as usize);
    }
    hallways.iter().for_each(|cell| map.mark(world.maze.cells[*cell], 'o'));
    map.mark(world.maze.cells[start], 'S');
    map.mark(world.maze.cells[goal], 'G');
    solution.picture = map.picture();
    solution.notes.push("o are hallways; places are column and row from the upper left".to_owned());
    Ok(solution)
}
