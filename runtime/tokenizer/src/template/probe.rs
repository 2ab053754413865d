//! Reads the text around turns off renderings of small conversations.

use super::render::Renderer;
use super::{ROLES, TemplateError};
use crate::limits::TEMPLATE_PROBE_TURNS;

/// What is known of a turn in one place: the texts around its content, or why there is none.
type Frame = Result<(String, String), TemplateError>;

/// The texts around each role's content, after each other role.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    /// By previous role and role, see [`place`]. `None` if no conversation got there.
    frames: Vec<Option<Frame>>,
}

/// The index of a frame: first turns come first.
fn place(previous: Option<usize>, role: usize) -> usize {
    previous.map_or(0, |previous| previous + 1) * ROLES.len() + role
}

/// The content of turn `index` of a probe: a word that no template contains or changes.
fn sentinel(index: usize) -> String {
    format!("Probe{index}Content")
}

impl Turns {
    /// Renders all conversations of up to [`TEMPLATE_PROBE_TURNS`] turns and compares each with its beginning.
    pub(super) fn derive(renderer: &Renderer) -> Result<Self, TemplateError> {
        let mut turns = Self { frames: vec![None; (ROLES.len() + 1) * ROLES.len()] };
        turns.explore(renderer, &mut Vec::new(), "");
        turns.agree_on_closings();
        let first_turns = &turns.frames[..ROLES.len()];
        if let Some(Some(Err(refusal))) = first_turns.first()
            && first_turns.iter().all(|frame| matches!(frame, Some(Err(_)) | None))
        {
            return Err(refusal.clone());
        }
        turns.verify(renderer)?;
        Ok(turns)
    }

    pub(super) fn opening(&self, role: usize, previous: Option<usize>) -> Result<&str, TemplateError> {
        match &self.frames[place(previous, role)] {
            Some(Ok((opening, _))) => Ok(opening),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(TemplateError::Refused {
                role: ROLES[role].to_owned(),
                previous: previous.map(|previous| ROLES[previous].to_owned()),
                detail: "no conversation that the template accepts gets there".to_owned(),
            }),
        }
    }

    /// The caller has asked [`Turns::closes`].
    pub(super) fn closing(&self, role: usize) -> Result<&str, TemplateError> {
        let frames = self.frames.iter().skip(role).step_by(ROLES.len()).flatten();
        let (_, closing) =
            frames.filter_map(|frame| frame.as_ref().ok()).next().expect("`closes` found a frame of this role");
        Ok(closing)
    }

    /// Whether `role` can be opened anywhere.
    pub(super) fn closes(&self, role: usize) -> bool {
        self.frames.iter().skip(role).step_by(ROLES.len()).any(|frame| matches!(frame, Some(Ok(_))))
    }

    /// Adds each role to `conversation`, whose text is `shorter`, and goes on where that only appends.
    fn explore(&mut self, renderer: &Renderer, conversation: &mut Vec<usize>, shorter: &str) {
        let previous = conversation.last().copied();
        for role in 0..ROLES.len() {
            conversation.push(role);
            let rendered = render(renderer, conversation);
            let frame = frame_of(conversation, shorter, &rendered);
            let appends = frame.is_ok();
            self.note(place(previous, role), frame);
            if let (true, Ok(longer)) = (appends && conversation.len() < TEMPLATE_PROBE_TURNS, &rendered) {
                self.explore(renderer, conversation, longer);
            }
            conversation.pop();
        }
    }

    /// Keeps what is known of a place. A refusal somewhere gives way to a success elsewhere, because a template may
    /// demand that turns alternate; a rewritten past or a second way to write the turn does not give way.
    fn note(&mut self, place: usize, found: Frame) {
        let known = self.frames[place].take();
        self.frames[place] = Some(match (known, found) {
            (None | Some(Err(TemplateError::Refused { .. })), found) => found,
            (Some(known), Err(TemplateError::Refused { .. })) => known,
            (Some(Err(fault)), _) | (Some(Ok(_)), Err(fault)) => Err(fault),
            (Some(Ok(first)), Ok(second)) if first == second => Ok(first),
            (Some(Ok(first)), Ok(second)) => Err(inconsistent(place, &first, &second)),
        });
    }

    /// The text after a turn must not depend on the turn before it: an engine closes turns without looking back.
    fn agree_on_closings(&mut self) {
        for role in 0..ROLES.len() {
            let mut agreed: Option<(String, String)> = None;
            for place in (role..self.frames.len()).step_by(ROLES.len()) {
                let Some(Ok(frame)) = &self.frames[place] else { continue };
                match &agreed {
                    None => agreed = Some(frame.clone()),
                    Some(first) if first.1 == frame.1 => {}
                    Some(first) => {
                        self.frames[place] = Some(Err(inconsistent(place, first, frame)));
                    }
                }
            }
        }
    }

    /// Composes a longer conversation from the frames and compares it with its rendering.
    fn verify(&self, renderer: &Renderer) -> Result<(), TemplateError> {
        let conversation = [0, 1, 2, 1, 2, 1];
        for conversation in [&conversation[..], &conversation[1..]] {
            let mut composed = String::new();
            let mut previous = None;
            for (index, &role) in conversation.iter().enumerate() {
                let Some(Ok((opening, closing))) = &self.frames[place(previous, role)] else {
                    break;
                };
                composed.extend([opening.as_str(), &sentinel(index), closing]);
                previous = Some(role);
                let Ok(rendered) = render(renderer, &conversation[..=index]) else { break };
                if rendered != composed {
                    return Err(TemplateError::NotAppendOnly {
                        role: ROLES[role].to_owned(),
                        previous: index.checked_sub(1).map(|at| ROLES[conversation[at]].to_owned()),
                        shorter: composed,
                        longer: rendered,
                    });
                }
            }
        }
        Ok(())
    }
}

fn render(renderer: &Renderer, conversation: &[usize]) -> Result<String, String> {
    let turns: Vec<(&str, String)> =
        conversation.iter().enumerate().map(|(index, &role)| (ROLES[role], sentinel(index))).collect();
    renderer.render(&turns)
}

/// The texts around the last turn of `conversation`, whose text without that turn is `shorter`.
fn frame_of(conversation: &[usize], shorter: &str, rendered: &Result<String, String>) -> Frame {
    let (&last, before) = conversation.split_last().expect("a probe has a turn");
    let role = ROLES[last].to_owned();
    let previous = before.last().map(|&previous| ROLES[previous].to_owned());
    let longer = match rendered {
        Ok(longer) => longer,
        Err(detail) => {
            return Err(TemplateError::Refused { role, previous, detail: detail.clone() });
        }
    };
    let Some(added) = longer.strip_prefix(shorter) else {
        let (shorter, longer) = (shorter.to_owned(), longer.clone());
        return Err(TemplateError::NotAppendOnly { role, previous, shorter, longer });
    };
    match added.split(&sentinel(before.len())).collect::<Vec<_>>()[..] {
        [opening, closing] => Ok((opening.to_owned(), closing.to_owned())),
        _ => Err(TemplateError::ContentNotShown { role, previous, rendered: longer.clone() }),
    }
}

fn inconsistent(place: usize, first: &(String, String), second: &(String, String)) -> TemplateError {
    let previous = (place / ROLES.len()).checked_sub(1);
    TemplateError::Inconsistent {
        role: ROLES[place % ROLES.len()].to_owned(),
        previous: previous.map(|previous| ROLES[previous].to_owned()),
        first: format!("{}…{}", first.0, first.1),
        second: format!("{}…{}", second.0, second.1),
    }
}
