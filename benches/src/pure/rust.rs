//! The kernels in Rust: the same steps on the same data, statement by statement, with the checks that the language asks for. Indices
//! are checked by Rust itself; sums of whole numbers are checked here, as release builds of Rust wrap.

use serde_json::Value as Json;

fn add(a: i64, b: i64) -> i64 {
    a.checked_add(b).expect("the kernels don't overflow")
}

fn subtract(a: i64, b: i64) -> i64 {
    a.checked_sub(b).expect("the kernels don't overflow")
}

/// The element at a place that is a whole number, as places are in the language.
fn at<T>(items: &[T], place: i64) -> &T {
    &items[place as usize]
}

fn len<T>(items: &[T]) -> i64 {
    items.len() as i64
}

pub(super) fn mandelbrot(size: i64, rounds: i64) -> i64 {
    let mut sum = 0;
    for y in 0..size {
        for x in 0..size {
            let cr = 3.0 * x as f64 / size as f64 - 2.0;
            let ci = 2.0 * y as f64 / size as f64 - 1.0;
            let (mut zr, mut zi, mut n) = (0.0, 0.0, 0);
            while n < rounds && zr * zr + zi * zi <= 4.0 {
                let next = zr * zr - zi * zi + cr;
                zi = 2.0 * zr * zi + ci;
                zr = next;
                n = add(n, 1);
            }
            sum = add(sum, n);
        }
    }
    sum
}

fn distance(a: &str, b: &str) -> i64 {
    let left: Vec<char> = a.chars().collect();
    let right: Vec<char> = b.chars().collect();
    let mut row: Vec<i64> = (0..=len(&right)).collect();
    for i in 0..len(&left) {
        let mut before = row[0];
        row[0] = add(i, 1);
        for j in 0..len(&right) {
            let old = *at(&row, add(j, 1));
            let change = if at(&left, i) == at(&right, j) { before } else { add(before, 1) };
            row[add(j, 1) as usize] = change.min(add(old, 1)).min(add(*at(&row, j), 1));
            before = old;
        }
    }
    *at(&row, len(&right))
}

pub(super) fn levenshtein(words: &[String]) -> i64 {
    let mut sum = 0;
    for a in words {
        for b in words {
            sum = add(sum, distance(a, b));
        }
    }
    sum
}

pub(super) fn bm25(documents: &[Vec<i64>], query: &[i64], words: i64, idf: &[f64]) -> (i64, f64) {
    let mut total = 0;
    for document in documents {
        total = add(total, len(document));
    }
    let average = total as f64 / len(documents) as f64;
    let mut wanted: Vec<bool> = (0..words).map(|_| false).collect();
    for word in query {
        wanted[*word as usize] = true;
    }
    let (mut best, mut score) = (0, -1.0);
    for place in 0..len(documents) {
        let document = at(documents, place);
        let mut counts: Vec<i64> = (0..len(query)).map(|_| 0).collect();
        for word in document {
            if *at(&wanted, *word) {
                for q in 0..len(query) {
                    if at(query, q) == word {
                        counts[q as usize] = add(*at(&counts, q), 1);
                    }
                }
            }
        }
        let norm = 1.2 * (0.25 + 0.75 * len(document) as f64 / average);
        let mut sum = 0.0;
        for q in 0..len(query) {
            let count = *at(&counts, q) as f64;
            sum += at(idf, *at(query, q)) * count * 2.2 / (count + norm);
        }
        if sum > score {
            best = place;
            score = sum;
        }
    }
    (best, score)
}

fn is_safe(rows: &[i64], row: i64) -> bool {
    let column = len(rows);
    for place in 0..column {
        let other = *at(rows, place);
        if other == row || subtract(other, row).checked_abs().expect("a board is small") == subtract(column, place) {
            return false;
        }
    }
    true
}

fn place(rows: &[i64], size: i64) -> i64 {
    if len(rows) == size {
        return 1;
    }
    let mut count = 0;
    for row in 0..size {
        if is_safe(rows, row) {
            let mut longer = rows.to_vec();
            longer.push(row);
            count = add(count, place(&longer, size));
        }
    }
    count
}

pub(super) fn queens(size: i64) -> i64 {
    place(&[], size)
}

/// JSON as the language has it: whole numbers apart from others, maps as pairs in their order.
pub(super) enum Node {
    Other,
    Int(i64),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn of(json: &Json) -> Self {
        match json {
            Json::Number(number) => number.as_i64().map_or(Self::Other, Self::Int),
            Json::Array(items) => Self::List(items.iter().map(Self::of).collect()),
            Json::Object(fields) => {
                Self::Map(fields.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
            _ => Self::Other,
        }
    }

    fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    fn as_map(&self) -> Option<&[(String, Self)]> {
        if let Self::Map(pairs) = self { Some(pairs) } else { None }
    }
}

fn sum(json: &Node) -> i64 {
    if let Some(number) = json.as_int() {
        return number;
    }
    let mut total = 0;
    for item in json.as_list().unwrap_or(&[]) {
        total = add(total, sum(item));
    }
    for (_, item) in json.as_map().unwrap_or(&[]) {
        total = add(total, sum(item));
    }
    total
}

pub(super) fn walk(json: &Node, times: i64) -> i64 {
    let mut total = 0;
    for _ in 0..times {
        total = add(total, sum(std::hint::black_box(json)));
    }
    total
}
