//! What a block may spend: tokens, steps, time. Tasks that it starts spend from it too; of nested budgets the smallest holds.
//!
//! A step is a turn in which the model writes; outside turns it is a hole. Tokens and steps are checked before each
//! request; time also ends requests that are under way.

use crate::image::Register;
use crate::machine::Machine;
use crate::operation as values;
use crate::task::Stop;
use crate::trap::Fault;
use crate::value::TaskId;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A budget that is open.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Which; unique in a run.
    pub(crate) serial: u64,
    tokens: Option<Purse>,
    steps: Option<Purse>,
    time: Option<(Duration, Instant)>,
}

/// A number of things, and how many are left.
#[derive(Debug)]
struct Purse {
    all: u64,
    left: Cell<u64>,
}

impl Purse {
    fn take(&self, count: u64) {
        self.left.set(self.left.get().saturating_sub(count));
    }
}

impl Budget {
    /// The fault of having spent it, if it is spent.
    fn spent(&self, step: bool) -> Option<Fault> {
        let empty = |purse: &Option<Purse>| purse.as_ref().filter(|purse| purse.left.get() == 0).map(|purse| purse.all);
        if let Some((limit, deadline)) = self.time
            && Instant::now() >= deadline
        {
            return Some(self.late(limit));
        }
        if let Some(all) = empty(&self.tokens) {
            return Some(self.fault(format!("the budget of {all} tokens is spent")));
        }
        let all = empty(&self.steps).filter(|_| step)?;
        Some(self.fault(format!("the budget of {all} steps is spent")))
    }

    fn fault(&self, message: String) -> Fault {
        Fault::world("budget", message).of_budget(self.serial)
    }

    fn late(&self, limit: Duration) -> Fault {
        let message = format!("the budget of {} ms is spent", limit.as_millis());
        Fault::world("deadline", message).of_budget(self.serial)
    }
}

impl Machine<'_> {
    pub(crate) fn open_budget(
        &mut self,
        id: TaskId,
        tokens: Option<Register>,
        milliseconds: Option<Register>,
        steps: Option<Register>,
    ) -> Result<Rc<Budget>, Stop> {
        let mut read = |register: Option<Register>, what: &str| -> Result<Option<u64>, Stop> {
            let Some(register) = register else { return Ok(None) };
            let number = values::int_of(&self.get(id, register)?)?;
            let number =
                u64::try_from(number).map_err(|_| Fault::new(format!("a budget can't have {number} {what}")))?;
            Ok(Some(number))
        };
        let purse = |all: u64| Purse { all, left: Cell::new(all) };
        let tokens = read(tokens, "tokens")?.map(purse);
        let steps = read(steps, "steps")?.map(purse);
        let limit = read(milliseconds, "milliseconds")?.map(Duration::from_millis);
        self.next_serial += 1;
        let serial = self.next_serial;
        let time = limit.and_then(|limit| Some((limit, Instant::now().checked_add(limit)?)));
        if let Some((_, deadline)) = time {
            self.deadlines.push((deadline, id, serial));
        }
        let budget = Rc::new(Budget { serial, tokens, steps, time });
        self.running(id).budgets.push(Rc::clone(&budget));
        Ok(budget)
    }

    /// Before a request: counts its step, unless a budget is spent.
    pub(crate) fn charge(&mut self, id: TaskId) -> Result<(), Fault> {
        let task = self.running(id);
        let step = !(task.role_open && task.turn_charged);
        if let Some(fault) = task.budgets.iter().find_map(|budget| budget.spent(step)) {
            return Err(fault);
        }
        if step {
            task.turn_charged = true;
            task.budgets.iter().filter_map(|budget| budget.steps.as_ref()).for_each(|steps| steps.take(1));
        }
        Ok(())
    }

    /// Before a call of a tool: whether a budget of tokens or time is spent.
    pub(crate) fn over_budget(&mut self, id: TaskId) -> Result<(), Fault> {
        match self.running(id).budgets.iter().find_map(|budget| budget.spent(false)) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// After a request: counts its tokens.
    pub(crate) fn charge_tokens(&mut self, id: TaskId, count: u64) {
        let budgets = self.running(id).budgets.iter();
        budgets.filter_map(|budget| budget.tokens.as_ref()).for_each(|tokens| tokens.take(count));
    }

    /// Time until the next deadline.
    pub(crate) fn patience(&self, most: Duration) -> Duration {
        let now = Instant::now();
        let next = self.deadlines.iter().map(|(deadline, ..)| deadline.saturating_duration_since(now)).min();
        next.map_or(most, |next| next.min(most))
    }

    /// Interrupts the tasks whose time is over.
    pub(crate) fn expire(&mut self) {
        while let Some(index) = self.deadlines.iter().position(|(deadline, ..)| Instant::now() >= *deadline) {
            let (_, id, serial) = self.deadlines.swap_remove(index);
            let Some(task) = self.task(id) else { continue };
            let late = task.budgets.iter().find(|budget| budget.serial == serial);
            let Some(fault) = late.and_then(|budget| Some(budget.late(budget.time?.0))) else { continue };
            let waited = task.waits.is_some();
            if let Err(fault) = self.raise(id, fault) {
                self.fail(id, fault);
            } else if waited {
                self.wake(id);
            }
        }
    }
}
