//! A guess at what comes next: what came last time after the same tokens (Saxena 2023, "Prompt lookup decoding").
//!
//! Programs repeat themselves: an answer quotes the document, a review quotes the plan. A guess is a draft like that of a
//! constraint (`jump`): the next pass computes it as further rows, and each row draws as it would have without it, so that the
//! text is the same at any temperature. A row costs a part of a pass even if it is of no use: on the CPU a pass of 4 rows takes
//! 1.3 times that of one (`shared/cpu.md`: 4.49 and 3.56 ms), and for many sequences at once the rows cost what they are. So
//! few sequences guess, and only after an ending of some length.

/// Shortest ending that must have come before. Two tokens come again by chance too often.
const ENDING_MIN: usize = 3;
/// Longest ending that is looked at: longer ones are no better a reason.
const ENDING_MAX: usize = 8;
/// Tokens that are looked through, from the end: 8 us.
const LOOK_MAX: usize = 8_192;
/// Most sequences that run together and guess.
pub(crate) const SEQUENCES_MAX: usize = 4;

/// The at most `most` tokens that followed when the longest ending of `tokens` came before; of equally long ones the last.
pub(crate) fn guess(tokens: &[u32], most: usize) -> &[u32] {
    let Some((last, before)) = tokens.split_last() else { return &[] };
    let (mut longest, mut at) = (ENDING_MIN - 1, None);
    for end in (1..=before.len()).rev().take(LOOK_MAX).filter(|end| before[end - 1] == *last) {
        let same = tokens[..end].iter().rev().zip(tokens.iter().rev()).take(ENDING_MAX);
        let length = same.take_while(|(a, b)| a == b).count();
        if length > longest {
            (longest, at) = (length, Some(end));
            if length == ENDING_MAX {
                break;
            }
        }
    }
    at.map_or(&[], |at| &tokens[at..tokens.len().min(at + most)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The obvious way: every length from the longest, every place from the last.
    fn reference(tokens: &[u32], most: usize) -> &[u32] {
        for length in (ENDING_MIN..=ENDING_MAX.min(tokens.len())).rev() {
            let ending = &tokens[tokens.len() - length..];
            for end in (length..tokens.len()).rev() {
                if tokens[end - length..end] == *ending {
                    return &tokens[end..tokens.len().min(end + most)];
                }
            }
        }
        &[]
    }

    #[test]
    fn what_came_after_the_longest_ending_comes_again() {
        assert_eq!(guess(&[1, 2, 3, 4, 5, 1, 2, 3], 4), [4, 5, 1, 2]);
        assert_eq!(guess(&[1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3], 1), [5], "of equals the last");
        assert_eq!(guess(&[2, 3, 1, 2], 4), [0; 0], "two are too few");
        assert_eq!(guess(&[], 4), [0; 0]);
        assert_eq!(guess(&[7, 7, 7, 7], 4), [7]);
    }

    #[test]
    fn all_short_sequences_of_two_tokens_are_guessed_as_the_obvious_way_does() {
        for length in 0..=13_u32 {
            for bits in 0..1_u32 << length {
                let tokens: Vec<u32> = (0..length).map(|index| bits >> index & 1).collect();
                assert_eq!(guess(&tokens, 5), reference(&tokens, 5), "{tokens:?}");
            }
        }
    }
}
