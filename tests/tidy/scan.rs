//! Rust code to the paths that it names. No parser: comments and strings are blanked, the rest is read as words.

/// Whether a path says a word: begins with it where it is a crate's name (which alone is somebody's variable), else
/// has its segments one after the other.
pub(crate) fn says(path: &[String], word: &str) -> bool {
    if word != "async" && word.chars().all(is_word) {
        return path.len() > 1 && path[0] == word;
    }
    let word: Vec<_> = word.split("::").collect();
    path.windows(word.len()).any(|part| part == word)
}

/// The paths of blanked code with their lines: `use a::{b, c::d}` is `a::b` and `a::c::d`, macros end with `!`,
/// and the attribute `#[ignore]` is the word `#[ignore`.
pub(crate) fn paths(code: &str, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let (mut joined, mut spaced) = (false, false);
    for (at, text) in code.lines().enumerate() {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
            let (token, after) = match first {
                ' ' | '\t' => rest.split_at(end(char::is_whitespace)),
                _ if is_word(first) => rest.split_at(end(is_word)),
                _ if rest.starts_with("::") => rest.split_at(2),
                _ if rest.starts_with("#[ignore") => rest.split_at("#[ignore".len()),
                _ => rest.split_at(first.len_utf8()),
            };
            rest = after;
            if token.trim().is_empty() {
                spaced = true;
                continue;
            }
            // `use ::sled::Db` begins a path; nobody writes a space within one.
            if token == "::" && spaced {
                path.clear();
            }
            spaced = false;
            if is_word(first) && joined && !path.is_empty() {
                path.push(token.to_owned());
            } else if token == "{" && joined {
                groups.push(std::mem::take(&mut path));
            } else if token != "::" {
                if token == "!"
                    && let Some(name) = path.last_mut()
                {
                    name.push('!');
                }
                if !path.is_empty() {
                    found.push((at + 1, resolve(std::mem::take(&mut path), module)));
                }
                match token {
                    "{" => groups.push(Vec::new()),
                    "}" => drop(groups.pop()),
                    "#[ignore" => found.push((at + 1, vec![token.to_owned()])),
                    _ if is_word(first) => {
                        path = groups.last().cloned().unwrap_or_default();
                        path.push(token.to_owned());
                    }
                    _ => {}
                }
            }
            joined = token == "::";
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn resolve(path: Vec<String>, module: &[String]) -> Vec<String> {
    let up = path
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    match path.first().map(String::as_str) {
        Some("self") if path.len() > 1 => [module, &path[1..]].concat(),
        Some("super") => [&module[..module.len().saturating_sub(up)], &path[up..]].concat(),
        _ => path,
    }
}

/// The code with every comment, string and character blanked, line for line.
pub(crate) fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal(&chars, at);
        match end {
            None => {
                out.push(chars[at]);
                at += 1;
            }
            Some(end) => {
                let end = end.min(chars.len());
                out.extend(
                    chars[at..end]
                        .iter()
                        .map(|&c| if c == '\n' { '\n' } else { ' ' }),
                );
                at = end;
            }
        }
    }
    out
}

/// Where the comment, string or character ends that begins here, if one does.
fn literal(chars: &[char], at: usize) -> Option<usize> {
    let is = |at: usize, c: char| chars.get(at) == Some(&c);
    let find = |from: usize, text: &str| -> usize {
        let text: Vec<char> = text.chars().collect();
        let found = chars
            .get(from..)
            .and_then(|rest| rest.windows(text.len()).position(|part| part == text));
        found.map_or(chars.len(), |found| from + found + text.len())
    };
    match chars[at] {
        '/' if is(at + 1, '/') => Some(find(at, "\n").saturating_sub(1).max(at + 2)),
        '/' if is(at + 1, '*') => {
            let (mut depth, mut at) = (1, at + 2);
            while depth > 0 && at < chars.len() {
                match (chars[at], chars.get(at + 1)) {
                    ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
                    ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
            }
            Some(at)
        }
        'r' if at == 0 || !is_word(chars[at - 1]) || "bc".contains(chars[at - 1]) => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            is(at + 1 + hashes, '"')
                .then(|| find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes))))
        }
        quote @ ('"' | '\'') => {
            // A lifetime has no quote behind its first letter.
            if quote == '\'' && !is(at + 1, '\\') && !is(at + 2, '\'') {
                return None;
            }
            let mut at = at + 1;
            while at < chars.len() && chars[at] != quote {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            Some(at + 1)
        }
        _ => None,
    }
}
