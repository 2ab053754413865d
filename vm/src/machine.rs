//! The scheduler: tasks that are ready run until they wait; then the model is asked what happened.

mod answers;
mod force;

use crate::guard::Guard;
use crate::host::{Host, NoHost};
use crate::image::{Entry, Image};
use crate::interpreter::Progress;
use crate::native::Native;
use crate::observer::{BranchPath, Observer};
use crate::options::{RunOptions, Tier};
use crate::outlook::Outlook;
use crate::report::Read;
use crate::task::{Group, Returns, Slot, Task, Wait, mix_text};
use crate::trap::{Fault, Trap, World};
use crate::value::{TaskId, Value, within_depth};
use crate::written::Written;
use rustc_hash::FxHashMap;
use sgl_protocol::{Command, LanguageModel, RequestId, SessionId};
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Instant;

/// A run.
pub(crate) struct Machine<'a> {
    pub(crate) image: &'a Image,
    pub(crate) model: &'a mut dyn LanguageModel,
    pub(crate) host: &'a mut dyn Host,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) options: &'a RunOptions,
    pub(crate) texts: Vec<Value>,
    /// Code for its functions, where that is wanted.
    pub(crate) native: Option<Native>,
    pub(crate) slots: Vec<Slot>,
    ready: VecDeque<TaskId>,
    requests: FxHashMap<RequestId, TaskId>,
    /// Calls of tools that are under way.
    calls: FxHashMap<u64, TaskId>,
    /// When which budget of which task is over.
    pub(crate) deadlines: Vec<(Instant, TaskId, u64)>,
    /// The last number that a budget or a call got.
    pub(crate) next_serial: u64,
    /// Who waits for a task's end.
    waiters: FxHashMap<TaskId, Vec<TaskId>>,
    sessions: BTreeSet<SessionId>,
    /// Sessions of transcripts that nobody holds any more.
    pub(crate) closed: Rc<RefCell<Vec<SessionId>>>,
    next_session: u64,
    next_request: u64,
    pub(crate) fuel: u64,
    pub(crate) alive: usize,
    /// Closures that built-ins called and that have not returned.
    pub(crate) nested: usize,
    /// The fault of a closure inside a built-in, with its own place.
    pub(crate) inner_trap: Option<Trap>,
    /// Whether the observer wants to know what runs.
    pub(crate) watched: bool,
    /// What comes after each question.
    pub(crate) outlook: Outlook,
    /// Whether the observer wants to know what happens to transcripts.
    pub(crate) traced: bool,
    /// Whether what is written is what another transcript holds.
    pub(crate) copying: bool,
    /// What branches read, while a test measures it.
    pub(crate) reads: Option<Vec<Read>>,
    /// Forks so far.
    pub(crate) forks: u64,
}

/// What a run may reach.
#[expect(missing_debug_implementations, reason = "its parts are traits")]
pub struct Outside<'a> {
    /// Fills holes.
    pub model: &'a mut dyn LanguageModel,
    /// Runs tools.
    pub host: &'a mut dyn Host,
    /// Watches.
    pub observer: &'a mut dyn Observer,
}

/// Runs an entry without tools. `arguments` has one place per parameter; none takes the parameter's default.
///
/// # Errors
/// The first fault of any task ends the run.
pub fn run(
    image: &Image,
    entry: &Entry,
    arguments: Vec<Option<Value>>,
    model: &mut dyn LanguageModel,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Value, Trap> {
    run_with(image, entry, arguments, &mut Outside { model, host: &mut NoHost::default(), observer }, options)
}

/// Runs an entry. `arguments` has one place per parameter; none takes the parameter's default.
///
/// # Errors
/// A fault of the program, or one of the world that nothing caught.
pub fn run_with(
    image: &Image,
    entry: &Entry,
    arguments: Vec<Option<Value>>,
    outside: &mut Outside<'_>,
    options: &RunOptions,
) -> Result<Value, Trap> {
    let watched = outside.observer.wants_executed();
    let traced = outside.observer.wants_happenings();
    let mut machine = Machine {
        image,
        model: &mut *outside.model,
        host: &mut *outside.host,
        observer: &mut *outside.observer,
        options,
        texts: image.texts.iter().map(Value::text).collect(),
        native: (options.native != Tier::Never && !watched).then(|| Native::new(image)),
        slots: Vec::new(),
        ready: VecDeque::new(),
        requests: FxHashMap::default(),
        calls: FxHashMap::default(),
        deadlines: Vec::new(),
        next_serial: 0,
        waiters: FxHashMap::default(),
        sessions: BTreeSet::new(),
        closed: Rc::default(),
        next_session: 0,
        next_request: 0,
        fuel: options.limits.steps,
        alive: 0,
        nested: 0,
        inner_trap: None,
        watched,
        outlook: Outlook::new(image, options),
        traced,
        copying: false,
        reads: None,
        forks: 0,
    };
    let value = machine.entry(entry, arguments);
    machine.close_all();
    value
}

impl Machine<'_> {
    fn entry(&mut self, entry: &Entry, arguments: Vec<Option<Value>>) -> Result<Value, Trap> {
        let mut values = Vec::with_capacity(arguments.len());
        let path = mix_text(self.options.seed, &entry.name);
        for (argument, parameter) in arguments.into_iter().zip(&entry.parameters) {
            values.push(match (argument, parameter.default) {
                (Some(value), _) => value,
                (None, Some(default)) => {
                    let task = self.start(default, Vec::new(), None, BranchPath::default(), path)?;
                    self.until_done(task)?
                }
                (None, None) => {
                    let trap = self.outside(entry, format!("`{}` needs a value for `{}`", entry.name, parameter.name));
                    return Err(trap);
                }
            });
        }
        let session = entry.prompt.then(|| self.open_session());
        let task = self.start(entry.function, values, session, BranchPath::default(), path)?;
        self.tell_started(task, None, &entry.name, None);
        let value = self.until_done(task)?;
        match within_depth(&value) {
            Ok(()) => Ok(value),
            Err(fault) => Err(self.outside(entry, format!("what `{}` gives: {}", entry.name, fault.message))),
        }
    }

    /// A fault of the caller, shown at the entry.
    fn outside(&self, entry: &Entry, message: String) -> Trap {
        let function = &self.image.functions[entry.function as usize];
        let place = function.places.first().copied().unwrap_or(crate::image::Place { file: 0, start: 0, end: 0 });
        Trap { message, help: None, compared: None, place, stack: Vec::new(), fault: None }
    }

    fn until_done(&mut self, root: TaskId) -> Result<Value, Trap> {
        loop {
            self.expire();
            while let Some(id) = self.ready.pop_front() {
                let progress = match self.at_once(id) {
                    Some(progress) => progress,
                    None => self.advance(id)?,
                };
                if let Progress::Ended(value) = progress {
                    let value = self.reported(id, value)?;
                    self.tell_ended(id);
                    self.end(id, value);
                }
                self.close_dropped();
            }
            match &self.slots[root.0 as usize] {
                Slot::Done(value) => return Ok(value.clone()),
                Slot::Failed(fault) => {
                    let fault = fault.clone();
                    return Err(self.uncaught(root, fault));
                }
                Slot::Alive(_) | Slot::Cancelled => {}
            }
            self.look(root)?;
        }
    }

    /// A fault that nothing caught.
    fn uncaught(&mut self, root: TaskId, fault: Fault) -> Trap {
        match &fault.world {
            Some(World { origin: Some(origin), .. }) => origin.as_ref().clone(),
            _ => self.trap(root, fault),
        }
    }

    pub(crate) fn slot(&self, id: TaskId) -> &Slot {
        &self.slots[id.0 as usize]
    }

    /// A new task, ready to run.
    pub(crate) fn start(
        &mut self,
        function: u32,
        arguments: Vec<Value>,
        session: Option<SessionId>,
        branch: BranchPath,
        path: u64,
    ) -> Result<TaskId, Trap> {
        // A task that is alone runs next, so that the fuel of now is what it begins with.
        let begun = (self.alive == 0).then(|| self.begun(function, &arguments)).flatten();
        let mut frame = self.new_frame(function, arguments, Returns::Task).map_err(|fault| Trap {
            message: fault.message,
            help: fault.help,
            compared: None,
            place: crate::image::Place { file: 0, start: 0, end: 0 },
            stack: Vec::new(),
            fault: None,
        })?;
        frame.begun = begun;
        let task = Task {
            frames: vec![frame],
            session,
            written: Written::default(),
            kept: None,
            role_open: false,
            branch,
            path,
            spawned: 0,
            occurrences: FxHashMap::default(),
            children: Vec::new(),
            branch_of: None,
            report: None,
            fork: None,
            asked: None,
            group: None,
            call: None,
            budgets: Vec::new(),
            turn_charged: false,
            attempt: 0,
            happened: 0,
            waits: None,
        };
        let id = TaskId(u32::try_from(self.slots.len()).expect("fewer tasks than steps"));
        self.slots.push(Slot::Alive(Box::new(task)));
        self.ready.push_back(id);
        self.alive += 1;
        Ok(id)
    }

    /// A task that is alive.
    pub(crate) fn task(&mut self, id: TaskId) -> Option<&mut Task> {
        match self.slots.get_mut(id.0 as usize) {
            Some(Slot::Alive(task)) => Some(task),
            _ => None,
        }
    }

    /// The task that runs.
    pub(crate) fn running(&mut self, id: TaskId) -> &mut Task {
        self.task(id).expect("only a task that is alive takes a step")
    }

    /// The task ends with a value: its transcript is freed, and who waits for it goes on.
    fn end(&mut self, id: TaskId, value: Value) {
        let Slot::Alive(task) = std::mem::replace(&mut self.slots[id.0 as usize], Slot::Done(value.clone())) else {
            return;
        };
        self.alive -= 1;
        if let Some(session) = task.session {
            self.close_session(session);
        }
        if let Some((parent, branch)) = task.branch_of {
            if let Some(group) = self.task(parent).and_then(|parent| parent.group.as_mut()) {
                group.results[branch] = Some(value);
                group.ended.push(branch);
                group.written[branch] = task.kept.map(|kept| task.written.since(kept)).unwrap_or_default();
            }
            self.wake_if(parent, Wait::Branch);
        }
        for waiting in self.waiters.remove(&id).unwrap_or_default() {
            self.wake_if(waiting, Wait::Task(id));
        }
    }

    /// The task fails: what it started is cancelled, and who waits for it gets its fault.
    pub(crate) fn fail(&mut self, id: TaskId, fault: Fault) {
        let failed = Slot::Failed(fault.clone());
        let Slot::Alive(task) = std::mem::replace(&mut self.slots[id.0 as usize], failed) else { return };
        let branch_of = task.branch_of;
        self.release(*task);
        if let Some((parent, _)) = branch_of {
            if let Some(group) = self.task(parent).and_then(|parent| parent.group.as_mut()) {
                group.failed.push(fault);
            }
            self.wake_if(parent, Wait::Branch);
        }
        for waiting in self.waiters.remove(&id).unwrap_or_default() {
            self.wake_if(waiting, Wait::Task(id));
        }
    }

    /// Ends a task and everything that it started, without a value.
    pub(crate) fn cancel(&mut self, id: TaskId) {
        let slot = &mut self.slots[id.0 as usize];
        if !matches!(slot, Slot::Alive(_)) {
            return;
        }
        let Slot::Alive(task) = std::mem::replace(slot, Slot::Cancelled) else { return };
        self.release(*task);
    }

    /// Frees what a task that is over had, and cancels what it started.
    fn release(&mut self, task: Task) {
        self.alive -= 1;
        if let Some(asked) = task.asked.as_ref().filter(|asked| asked.answer.is_none()) {
            self.requests.remove(&asked.request);
            self.model.submit(Command::Cancel { request: asked.request });
        }
        if let Some(Group { members, .. }) = task.group {
            members.into_iter().for_each(|member| self.cancel(member));
        }
        task.children.into_iter().for_each(|child| self.cancel(child));
        if let Some(call) = task.call.filter(|call| call.answer.is_none()) {
            self.drop_call(call.number);
        }
        let saved = task.frames.iter().flat_map(|frame| &frame.guards).filter_map(Guard::session);
        saved.collect::<Vec<_>>().into_iter().for_each(|session| self.close_session(session));
        if let Some(session) = task.session {
            self.close_session(session);
        }
    }

    /// Lets a task go on.
    pub(crate) fn wake(&mut self, id: TaskId) {
        if let Some(task) = self.task(id) {
            task.waits = None;
            self.ready.push_back(id);
        }
    }

    fn wake_if(&mut self, id: TaskId, wait: Wait) {
        if self.task(id).is_some_and(|task| task.waits == Some(wait)) {
            self.wake(id);
        }
    }

    /// The task waits. Nothing can have come since it looked: events are delivered between tasks.
    pub(crate) fn suspend(&mut self, id: TaskId, wait: Wait) {
        let task = self.running(id);
        task.waits = Some(wait);
        // Others take steps now, so that what its calls began with no longer tells what they took.
        task.frames.iter_mut().for_each(|frame| frame.begun = None);
        if let Wait::Task(other) = wait {
            self.waiters.entry(other).or_default().push(id);
        }
    }

    pub(crate) fn new_session(&mut self) -> SessionId {
        self.next_session += 1;
        let session = SessionId(self.next_session);
        self.sessions.insert(session);
        session
    }

    pub(crate) fn open_session(&mut self) -> SessionId {
        let session = self.new_session();
        self.model.submit(Command::Open { session });
        session
    }

    pub(crate) fn fork_session(&mut self, parent: SessionId) -> SessionId {
        let child = self.new_session();
        self.model.submit(Command::Fork { parent, child });
        child
    }

    pub(crate) fn close_session(&mut self, session: SessionId) {
        if self.sessions.remove(&session) {
            self.model.submit(Command::Close { session });
        }
    }

    fn close_dropped(&mut self) {
        let dropped = std::mem::take(&mut *self.closed.borrow_mut());
        dropped.into_iter().for_each(|session| self.close_session(session));
    }

    /// A name for a request of a task.
    pub(crate) fn new_request(&mut self, id: TaskId) -> RequestId {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.requests.insert(request, id);
        request
    }

    fn close_all(&mut self) {
        for id in 0..self.slots.len() {
            self.cancel(TaskId(id as u32));
        }
        self.slots.clear();
        while let Some(session) = self.sessions.pop_first() {
            self.model.submit(Command::Close { session });
        }
    }
}
