//! Tasks from tasks: fresh calls, scratches, forks, and how a fork becomes one value.

use crate::image::{JoinPolicy, Op, Register, Start};
use crate::machine::Machine;
use crate::operation as values;
use crate::task::{Group, Stop, Wait, mix};
use crate::trap::Fault;
use crate::value::{TaskId, Value, equal};
use crate::written::Written;

impl Machine<'_> {
    pub(crate) fn fork(&mut self, id: TaskId, op: &Op) -> Result<(), Stop> {
        match op {
            Op::Spawn { to, function, arguments, start } => {
                let arguments = self.raw_all(id, arguments);
                let name = self.image.functions[*function as usize].name.clone();
                let task = self.child(id, *function, arguments, *start, &name, None)?;
                self.running(id).children.push(task);
                self.set(id, *to, Value::Pending(task));
                self.pass(id);
                Ok(())
            }
            Op::Report { to, function, arguments, report } => {
                let task = self.report(id, *function, arguments, *report)?;
                self.set(id, *to, Value::Pending(task));
                self.pass(id);
                Ok(())
            }
            Op::ForkEach { to, function, captures, over, join } => {
                if self.running(id).group.is_none() {
                    let elements = self.elements(id, *over)?;
                    let captures = self.raw_all(id, captures);
                    let mut branches = Vec::with_capacity(elements.len());
                    for element in elements {
                        let arguments = captures.iter().cloned().chain([element]).collect();
                        branches.push((*function, arguments, "fork".to_string()));
                    }
                    self.branch_out(id, branches, *join)?;
                }
                let value = self.joined(id, *join, None)?;
                self.finish_fork(id, *to, value);
                Ok(())
            }
            Op::ForkNamed { to, functions, captures, record, join } => {
                if self.running(id).group.is_none() {
                    let captures = self.raw_all(id, captures);
                    let name = |function: &u32| self.image.functions[*function as usize].name.clone();
                    let branches = functions.iter().map(|f| (*f, captures.clone(), name(f))).collect();
                    self.branch_out(id, branches, *join)?;
                }
                let value = self.joined(id, *join, Some(*record))?;
                self.finish_fork(id, *to, value);
                Ok(())
            }
            other => unreachable!("{other:?} starts no task"),
        }
    }

    /// What a fork goes over.
    fn elements(&mut self, id: TaskId, over: Register) -> Result<Vec<Value>, Stop> {
        let over = self.get(id, over)?;
        let limit = self.options.limits.branches;
        let mut iterator = values::iterate(over)?;
        let mut elements = Vec::new();
        while let Some(element) = values::next(&mut iterator)? {
            elements.push(element);
            if elements.len() > limit {
                return Err(Fault::new(format!("a fork has more than {limit} branches")).into());
            }
        }
        Ok(elements)
    }

    fn branch_out(
        &mut self,
        id: TaskId,
        branches: Vec<(u32, Vec<Value>, String)>,
        join: JoinPolicy,
    ) -> Result<(), Stop> {
        let count = branches.len();
        self.forks += 1;
        let serial = self.forks;
        let mut group = Group { results: vec![None; count], written: vec![Vec::new(); count], ..Group::default() };
        for (index, (function, arguments, name)) in branches.into_iter().enumerate() {
            let branch = self.child(id, function, arguments, Start::Fork, &name, Some(index))?;
            let task = self.running(branch);
            task.kept = (join == JoinPolicy::Concat).then(|| task.written.len());
            task.fork = Some((serial, count));
            group.members.push(branch);
        }
        self.running(id).group = Some(group);
        Ok(())
    }

    /// A task on a transcript of its own.
    pub(crate) fn child(
        &mut self,
        id: TaskId,
        function: u32,
        arguments: Vec<Value>,
        start: Start,
        name: &str,
        branch: Option<usize>,
    ) -> Result<TaskId, Stop> {
        let limit = self.options.limits.tasks;
        if self.alive >= limit {
            let fault = Fault::new(format!("more than {limit} tasks are alive at once"));
            return Err(fault.with_help("a prompt that calls itself needs a case in which it does not").into());
        }
        let (session, copy_of, written, role_open) = match start {
            Start::Fresh => (self.open_session(), None, Written::default(), false),
            Start::Fork => {
                let parent = self.running(id);
                let (written, role_open) = (parent.written.clone(), parent.role_open);
                let session = parent.session.ok_or_else(|| Fault::new("pure code has no transcript to fork"))?;
                (self.fork_session(session), Some(session), written, role_open)
            }
            Start::On(register) => {
                let Value::Transcript(transcript) = self.get(id, register)? else {
                    return Err(Fault::new("`on` needs a transcript").into());
                };
                let (written, role_open) = (transcript.written.clone(), transcript.role_open);
                (self.fork_session(transcript.session), Some(transcript.session), written, role_open)
            }
        };
        let parent = self.running(id);
        let (budgets, attempt) = (parent.budgets.clone(), parent.attempt);
        let index = parent.spawned;
        parent.spawned += 1;
        let shown = branch.unwrap_or_else(|| usize::try_from(index).unwrap_or(usize::MAX));
        let (path, branch_path) = (mix(parent.path, index), parent.branch.child(name, shown));
        let task = self
            .start(function, arguments, Some(session), branch_path, path)
            .map_err(|trap| Fault::new(trap.message))?;
        let child = self.running(task);
        child.written = written;
        child.role_open = role_open;
        child.budgets = budgets;
        child.attempt = attempt;
        child.branch_of = branch.map(|branch| (id, branch));
        self.tell_started(task, Some(id), name, copy_of);
        Ok(task)
    }

    fn finish_fork(&mut self, id: TaskId, to: Register, value: Value) {
        if let Some(group) = self.running(id).group.take() {
            group.members.into_iter().for_each(|member| self.cancel(member));
        }
        self.set(id, to, value);
        self.pass(id);
    }

    /// The fork's value, if the branches that have ended decide it.
    fn joined(&mut self, id: TaskId, join: JoinPolicy, record: Option<u32>) -> Result<Value, Stop> {
        let group = self.running(id).group.as_ref().expect("the fork has branched out");
        let count = group.results.len();
        // `race` and `first` do without branches that the world failed, as long as enough are left.
        let spare = match join {
            JoinPolicy::Race => count.saturating_sub(1),
            JoinPolicy::First(_) => count,
            _ => 0,
        };
        let spent = group.failed.iter().find(|fault| fault.world.as_ref().is_some_and(|world| world.budget.is_some()));
        if let Some(fault) = spent.or(group.failed.first().filter(|_| group.failed.len() > spare)) {
            return Err(Stop::Fault(fault.clone()));
        }
        let failed = group.failed.first().cloned();
        let all_ended = group.ended.len() + group.failed.len() == count;
        let by_end: Vec<Value> = group.ended.iter().filter_map(|branch| group.results[*branch].clone()).collect();
        let wait = Err(Stop::Wait(Wait::Branch));
        match join {
            JoinPolicy::All | JoinPolicy::Concat if !all_ended => wait,
            JoinPolicy::All | JoinPolicy::Concat => {
                let in_order: Vec<Value> = group.results.iter().flatten().cloned().collect();
                if join == JoinPolicy::Concat {
                    let written = group.written.concat();
                    self.copying = true;
                    let done = self.replay(id, written);
                    self.copying = false;
                    done?;
                }
                Ok(match record {
                    Some(record) if join == JoinPolicy::All => Value::Record(record, in_order.into()),
                    _ => Value::list(in_order),
                })
            }
            JoinPolicy::First(register) => {
                let wanted = values::int_of(&self.get(id, register)?)?;
                let wanted = usize::try_from(wanted)
                    .map_err(|_| Fault::new(format!("`join first({wanted})` wants fewer than no branches")))?;
                if let Some(fault) = failed.filter(|_| all_ended && by_end.len() < wanted) {
                    return Err(Stop::Fault(fault));
                }
                if by_end.len() >= wanted || all_ended {
                    return Ok(Value::list(by_end.into_iter().take(wanted).collect()));
                }
                wait
            }
            _ if count == 0 && !matches!(join, JoinPolicy::Until(_)) => {
                Err(Fault::new("a fork without branches has no winner")
                    .with_help("the list that it goes over is empty")
                    .into())
            }
            JoinPolicy::Race => match by_end.into_iter().next() {
                Some(first) => Ok(first),
                None => wait,
            },
            JoinPolicy::Vote { stop, min, record } => {
                // Where every branch counts, the order in which they ended does not.
                let ballots = if all_ended { group.results.iter().flatten().cloned().collect() } else { by_end };
                self.vote(id, stop, min, record, count, &ballots)
            }
            JoinPolicy::Best(_) if !all_ended => wait,
            JoinPolicy::Best(register) => {
                let in_order: Vec<Value> = group.results.iter().flatten().cloned().collect();
                self.best(id, register, in_order)
            }
            JoinPolicy::Until(register) => {
                let condition = self.whole(id, register)?;
                let ended = Value::list(by_end);
                if all_ended || values::bool_of(&self.call(id, &condition, vec![ended.clone()])?)? {
                    return Ok(ended);
                }
                wait
            }
        }
    }

    fn best(&mut self, id: TaskId, register: Register, results: Vec<Value>) -> Result<Value, Stop> {
        let score = self.whole(id, register)?;
        let mut best: Option<(f64, Value)> = None;
        for result in results {
            let rank = values::float_of(&self.call(id, &score, vec![result.clone()])?)?;
            if best.as_ref().is_none_or(|(greatest, _)| rank > *greatest) {
                best = Some((rank, result));
            }
        }
        best.map(|(_, value)| value).ok_or_else(|| Fault::new("a fork without branches has no winner").into())
    }

    fn vote(
        &mut self,
        id: TaskId,
        stop: Option<Register>,
        min: Option<Register>,
        record: u32,
        count: usize,
        ended: &[Value],
    ) -> Result<Value, Stop> {
        let stop = stop.map(|register| self.get(id, register)).transpose()?;
        let stop = stop.as_ref().map(values::float_of).transpose()?;
        let min = min.map(|register| self.get(id, register)).transpose()?;
        let min = min.as_ref().map(values::int_of).transpose()?.unwrap_or(1);
        let mut votes: Vec<(Value, usize)> = Vec::new();
        for value in ended {
            match votes.iter_mut().find(|(seen, _)| equal(seen, value)) {
                Some((_, count)) => *count += 1,
                None => votes.push((value.clone(), 1)),
            }
        }
        let most = votes.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let enough = stop.is_some_and(|share| most as f64 >= share * count as f64) && ended.len() as i64 >= min;
        match votes.into_iter().find(|(_, count)| *count == most) {
            Some((winner, most)) if enough || ended.len() == count => {
                let share = most as f64 / ended.len() as f64;
                Ok(Value::Record(record, vec![winner, Value::Float(share), Value::Int(most as i64)].into()))
            }
            _ => Err(Stop::Wait(Wait::Branch)),
        }
    }
}
