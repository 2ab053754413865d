//! The kernels in Rust: the same steps on the same data, with the checks that Rust makes.

use serde_json::Value as Json;

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
                n += 1;
            }
            sum += n;
        }
    }
    sum
}

fn distance(a: &str, b: &str) -> i64 {
    let left: Vec<char> = a.chars().collect();
    let right: Vec<char> = b.chars().collect();
    let mut row: Vec<i64> = (0..=right.len() as i64).collect();
    for (i, l) in left.iter().enumerate() {
        let mut before = row[0];
        row[0] = i as i64 + 1;
        for (j, r) in right.iter().enumerate() {
            let old = row[j + 1];
            let change = if l == r { before } else { before + 1 };
            row[j + 1] = change.min(old + 1).min(row[j] + 1);
            before = old;
        }
    }
    row[right.len()]
}

pub(super) fn levenshtein(words: &[String]) -> i64 {
    words.iter().flat_map(|a| words.iter().map(move |b| distance(a, b))).sum()
}

pub(super) fn bm25(documents: &[Vec<i64>], query: &[i64], words: usize, idf: &[f64]) -> (usize, f64) {
    let total: usize = documents.iter().map(Vec::len).sum();
    let average = total as f64 / documents.len() as f64;
    let mut wanted = vec![false; words];
    for word in query {
        wanted[*word as usize] = true;
    }
    let (mut best, mut score) = (0, -1.0);
    for (at, document) in documents.iter().enumerate() {
        let mut counts = vec![0; query.len()];
        for word in document {
            if wanted[*word as usize] {
                for q in 0..query.len() {
                    if query[q] == *word {
                        counts[q] += 1;
                    }
                }
            }
        }
        let norm = 1.2 * (0.25 + 0.75 * document.len() as f64 / average);
        let mut sum = 0.0;
        for q in 0..query.len() {
            let count = f64::from(counts[q]);
            sum += idf[query[q] as usize] * count * 2.2 / (count + norm);
        }
        if sum > score {
            best = at;
            score = sum;
        }
    }
    (best, score)
}

fn is_safe(rows: &[i64], row: i64) -> bool {
    let column = rows.len() as i64;
    (0..column).all(|at| {
        let other = rows[at as usize];
        other != row && (other - row).abs() != column - at
    })
}

fn place(rows: &[i64], size: i64) -> i64 {
    if rows.len() as i64 == size {
        return 1;
    }
    let mut count = 0;
    for row in 0..size {
        if is_safe(rows, row) {
            let mut longer = rows.to_vec();
            longer.push(row);
            count += place(&longer, size);
        }
    }
    count
}

pub(super) fn queens(size: i64) -> i64 {
    place(&[], size)
}

fn sum(json: &Json) -> i64 {
    match json {
        Json::Number(number) => number.as_i64().unwrap_or(0),
        Json::Array(items) => items.iter().map(sum).sum(),
        Json::Object(fields) => fields.values().map(sum).sum(),
        _ => 0,
    }
}

pub(super) fn walk(json: &Json, times: usize) -> i64 {
    (0..times).map(|_| sum(std::hint::black_box(json))).sum()
}
