//! What is wrong with expressions, and the hints.

use expect_test::{Expect, expect};

use super::*;

fn check(texts: &[&str], expect: Expect) {
    expect.assert_eq(&rows().table(texts));
}

#[test]
fn syntax() {
    check(
        &[
            "",
            "1 +",
            "1 2",
            "request.n = 1",
            "request.n > 0 and request.flag",
            "request.tag == 'gold",
            "(1 + 2",
            "1 + 2)",
            "höhe > 1",
            "$n > 1",
            "1 +\n  * 2",
            "if request.flag",
            "99999999999999999999",
            "1e999",
            "a ? b",
            "has(request.n())",
        ],
        expect![[r#"

              syntax at 0: expected more, got the end of the expression
            1 +
              syntax at 3: expected more, got the end of the expression
            1 2
              syntax at 2: unexpected '2'
            request.n = 1
              syntax at 10: unexpected '=' ('==' compares)
            request.n > 0 and request.flag
              syntax at 14: unexpected 'and' ('&&' is and)
            request.tag == 'gold
              syntax at 15: expected a text with an end, got one without (close it with ')
            (1 + 2
              syntax at 6: expected more, got the end of the expression
            1 + 2)
              syntax at 5: unexpected ')'
            höhe > 1
              syntax at 0: unexpected 'höhe' (an input with such a name is written request["NAME"])
            $n > 1
              syntax at 0: unexpected '$' (an input with such a name is written request["NAME"])
            1 +
              * 2
              syntax at 6: unexpected '*'
            if request.flag
              syntax at 0: expected a name, got 'if', which is a word of the language (an input of this name is written request["if"])
            99999999999999999999
              syntax at 0: expected a whole number of 64 bits, got one beyond
            1e999
              syntax at 0: expected a number that a double can hold
            a ? b
              syntax at 5: expected more, got the end of the expression
            has(request.n())
              syntax at 13: expected has(request.parameters.NAME) (for a name with other characters: "my-name" in request.parameters)
        "#]],
    );
}

#[test]
fn names() {
    check(
        &[
            "chaep.probability.max() > 0.9",
            "request.m + request.m + request.k",
            "request > 1",
            "request.parameters == 1",
            "request.n.max",
            "request.tag.length",
            "other.port.field",
            "cheap.probability.maxx() > 0.9",
            "squirt(request.n)",
            "sqrtt(request.n)",
            "request.tag.sqrt()",
            "upperAscii(request.tag)",
            "request.n.nothing()",
        ],
        expect![[r#"
            chaep.probability.max() > 0.9
              unknown-name at 0: expected a value that there is, got 'chaep.probability' (did you mean 'cheap.probability'?)
            request.m + request.m + request.k
              unknown-name at 0: expected a value that there is, got 'request.m' (did you mean 'request.n'?)
              unknown-name at 24: expected a value that there is, got 'request.k' (did you mean 'request.n'?)
            request > 1
              unknown-name at 0: expected request.NAME or request.parameters.NAME, got 'request'
            request.parameters == 1
              unknown-name at 0: expected request.parameters.NAME, got 'request.parameters' (an input of that name is written request["parameters"])
            request.n.max
              unknown-name at 10: expected no name behind an int, got '.max' (a method is written .max())
            request.tag.length
              unknown-name at 12: expected no name behind a text, got '.length'
            other.port.field
              unknown-name at 0: expected a value that there is, got 'other.port'
            cheap.probability.maxx() > 0.9
              unknown-function at 18: expected a method, got 'maxx', which is not known (did you mean 'max'?)
            squirt(request.n)
              unknown-function at 0: expected a function, got 'squirt', which is not known (did you mean 'sqrt'?)
            sqrtt(request.n)
              unknown-function at 0: expected a function, got 'sqrtt', which is not known (did you mean 'sqrt'?)
            request.tag.sqrt()
              unknown-function at 12: expected a method, got 'sqrt', which is not known (it is a function: sqrt(…))
            upperAscii(request.tag)
              unknown-function at 0: expected a function, got 'upperAscii', which is not known (it is a method: VALUE.upperAscii(…))
            request.n.nothing()
              unknown-function at 10: expected a method, got 'nothing', which is not known (known are max, min, sum, mean, argmax, size, lowerAscii, upperAscii, trim, startsWith, endsWith, contains, matches, all, exists)
        "#]],
    );
}

#[test]
fn types() {
    check(
        &[
            "request.n + request.tag",
            "'a' - 1",
            "request.flag + 1",
            "request.flag && request.n",
            "request.tag || true",
            "!request.n",
            "-request.tag",
            "request.x % 2",
            "request.n == 'one'",
            "request.flag == 1",
            "request.flag == 'true'",
            "request.flag ? 1 : 'one'",
            "cheap.probability > 0.9",
            "cheap.probability",
            "request.image + 1",
            "request.tags == 'a'",
            "request.parameters.tier",
            "request.n ? 1 : 2",
            "[1, 'a'].size()",
            "request.n in ['a']",
            "request.n in request.tag",
            "'a' in request.tag",
            "request.n.max()",
            "request.tags.max()",
            "request.tag.max(1)",
            "max(1)",
            "abs(1, 2)",
            "bool(request.n)",
            "size(request.n)",
            "request.tag.startsWith(1)",
            "request.tag.startsWith()",
            "request.whole[2]",
            "request.whole[-1]",
            "request.whole[0.5]",
            "request.image[0]",
            "request.n[0]",
            "[][0]",
            "request.tag.matches('(')",
            "request.tag.matches(request.tag)",
            "request.n + true + ('a' < 1)",
        ],
        expect![[r#"
            request.n + request.tag
              type-mismatch at 10: expected two numbers or two texts, got an int + a text (string(…) makes a text of a number)
            'a' - 1
              type-mismatch at 0: expected a number, got a text (double(…) reads a number from a text)
            request.flag + 1
              type-mismatch at 13: expected two numbers or two texts, got a bool + an int (int(…) makes 1 of true and 0 of false)
            request.flag && request.n
              type-mismatch at 16: expected a bool, got an int (compare it with a number, such as > 0.5)
            request.tag || true
              type-mismatch at 0: expected a bool, got a text (compare it with a text, such as == 'gold')
            !request.n
              type-mismatch at 1: expected a bool, got an int (compare it with a number, such as > 0.5)
            -request.tag
              type-mismatch at 1: expected a number, got a text (double(…) reads a number from a text)
            request.x % 2
              type-mismatch at 0: expected an int, got a double (int(…) drops the fraction)
            request.n == 'one'
              type-mismatch at 10: expected two of the same type, got an int == a text (double(…) reads a number from a text)
            request.flag == 1
              type-mismatch at 13: expected two of the same type, got a bool == an int (int(…) makes 1 of true and 0 of false)
            request.flag == 'true'
              type-mismatch at 13: expected two of the same type, got a bool == a text (bool(…) reads a bool from a text)
            request.flag ? 1 : 'one'
              type-mismatch at 13: expected two of the same type, got an int or a text (double(…) reads a number from a text)
            cheap.probability > 0.9
              type-mismatch at 0: expected a double, got a list of 3 doubles (make one of it with [0], .max(), .min(), .sum() or .mean())
            cheap.probability
              type-mismatch at 0: expected a double, got a list of 3 doubles (make one of it with [0], .max(), .min(), .sum() or .mean())
            request.image + 1
              type-mismatch at 0: expected a double, got a list of lists of doubles (make one of it with .max(), .min(), .sum() or .mean())
            request.tags == 'a'
              type-mismatch at 0: expected a text, got a list of 2 texts (take one of it with [0])
            request.parameters.tier
              unknown-type at 0: expected a result whose type is known beforehand, got what a parameter is (say what it is with bool(…), int(…), double(…) or string(…))
            request.n ? 1 : 2
              type-mismatch at 0: expected a bool, got an int (compare it with a number, such as > 0.5)
            [1, 'a'].size()
              type-mismatch at 4: expected an int like those before it, got a text
            request.n in ['a']
              type-mismatch at 10: expected two of the same type, got an int in a list of 1 text (double(…) reads a number from a text)
            request.n in request.tag
              type-mismatch at 13: expected a list, got a text (a part of a text: .contains('…'))
            'a' in request.tag
              type-mismatch at 7: expected a list, got a text (a part of a text: .contains('…'))
            request.n.max()
              type-mismatch at 0: expected a list of numbers, got an int (the max of two: max(a, b))
            request.tags.max()
              type-mismatch at 0: expected a list of numbers, got a list of 2 texts
            request.tag.max(1)
              arguments at 12: expected no argument of 'max', got 1 (the max of two: max(a, b))
            max(1)
              arguments at 0: expected two arguments of 'max', got 1 (of a list: LIST.max())
            abs(1, 2)
              arguments at 0: expected one argument of 'abs', got 2
            bool(request.n)
              type-mismatch at 5: expected a bool, got an int (compare it with a number, such as > 0.5)
            size(request.n)
              type-mismatch at 5: expected a text, got an int (string(…) makes a text of it)
            request.tag.startsWith(1)
              type-mismatch at 23: expected a text, got an int (string(…) makes a text of it)
            request.tag.startsWith()
              arguments at 12: expected one argument of 'startsWith', got 0
            request.whole[2]
              out-of-range at 14: expected an index from 0 to 1, got 2
            request.whole[-1]
              out-of-range at 15: expected an index from 0 to 1, got -1
            request.whole[0.5]
              type-mismatch at 14: expected an int, got a double (int(…) drops the fraction)
            request.image[0]
              type-mismatch at 0: expected a list of one axis, got a list of lists of doubles
            request.n[0]
              type-mismatch at 0: expected a list of one axis, got an int
            [][0]
              out-of-range at 3: expected no index into an empty list, got 0
            request.tag.matches('(')
              pattern at 20: expected a regular expression, got one that is none: unclosed group
            request.tag.matches(request.tag)
              unsupported at 20: expected a pattern in quotes, got another expression
            request.n + true + ('a' < 1)
              type-mismatch at 10: expected two numbers or two texts, got an int + a bool (int(…) makes 1 of true and 0 of false)
              type-mismatch at 24: expected two of the same type, got a text < an int (double(…) reads a number from a text)
        "#]],
    );
}

#[test]
fn what_is_not_there() {
    check(
        &[
            "null",
            "b'x'",
            "{'a': 1}",
            "Thing{a: 1}",
            "18446744073709551615u",
            "has(request.n)",
            "request.tag in request.parameters",
            "request.tags.map(t, t + 'a')",
            "request.whole.exists_one(w, w > 1)",
            "request.whole.filter(w, w > 1).size() > 0",
            "request.whole.all(w, request.tags.all(t, t == 'a'))",
            "request.whole.all(w)",
            "request.n.all(w, w > 1)",
            "request.whole.all(w, w)",
            "request.tag.?a",
        ],
        expect![[r#"
            null
              unsupported at 0: expected a value, got null (has(request.parameters.NAME) asks whether there is a parameter)
            b'x'
              unsupported at 0: expected a text, got bytes (leave the b before the quote away)
            {'a': 1}
              unsupported at 0: expected a number, text, bool or list, got a map
            Thing{a: 1}
              unsupported at 5: expected a number, text, bool or list, got a map
            18446744073709551615u
              unsupported at 0: expected a number of 64 bits with a sign, got one beyond
            has(request.n)
              unsupported at 4: expected has(request.parameters.NAME), got has of something else
            request.tag in request.parameters
              unsupported at 0: expected a name in quotes before 'in request.parameters', got another expression
            request.tags.map(t, t + 'a')
              unsupported at 0: expected all(x, …) or exists(x, …), got another macro (other macros are not there)
            request.whole.exists_one(w, w > 1)
              unsupported at 0: expected all(x, …) or exists(x, …), got another macro (other macros are not there)
            request.whole.filter(w, w > 1).size() > 0
              unsupported at 0: expected all(x, …) or exists(x, …), got another macro (other macros are not there)
            request.whole.all(w, request.tags.all(t, t == 'a'))
              unsupported at 21: expected no all or exists within another, got one (let a map compute what is within)
            request.whole.all(w)
              arguments at 14: expected all(x, CONDITION), got other arguments
            request.n.all(w, w > 1)
              type-mismatch at 0: expected a list, got an int
            request.whole.all(w, w)
              type-mismatch at 21: expected a bool, got an int (compare it with a number, such as > 0.5)
            request.tag.?a
              syntax at 11: unexpected '.'
        "#]],
    );
}

#[test]
fn values_without_rows_are_refused_where_there_are_rows() {
    let mut world = rows();
    world.values[0].1.shape.clear();
    expect![[r#"
        request.n > 1
          unknown-name at 0: expected 'request.n' to have an axis of rows, got none
    "#]]
    .assert_eq(&world.table(&["request.n > 1"]));
}

#[test]
fn the_types_of_results() {
    let world = rows();
    for (text, datatype, by_row) in [
        ("request.n > 1", DataType::Bool, true),
        ("request.n + 1", DataType::Int64, true),
        ("request.n + 0.5", DataType::Fp64, true),
        ("request.parameters.a * 2", DataType::Fp64, false),
        ("request.tag", DataType::Bytes, true),
        ("request.whole.size()", DataType::Int64, true),
        ("1 < 2", DataType::Bool, false),
    ] {
        let (expression, _) = Expression::check(text, &world, true).unwrap();
        let port = expression.port();
        assert_eq!((&*port.name, port.datatype), ("output", datatype), "{text}");
        assert_eq!(port.shape, [Dim::Free(None)], "{text}");
        assert_eq!(expression.by_row(), by_row, "{text}");
        assert_eq!(expression.text(), text);
    }
    let (expression, _) = Expression::check("1 < 2", &world, false).unwrap();
    assert_eq!(expression.port().shape, [Dim::Fixed(1)]);
}

#[test]
fn references_are_told_once_each_in_order() {
    let text = "a.b > request.x && request['y z'] < a.b && c.max() > request.parameters.p \
                && d['e'].all(q, q > f.g) && has(request.parameters.r)";
    let references = Expression::references(text).unwrap();
    let said: Vec<String> = references.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["a.b", "request.x", "request.y z", "c", "d.e", "f.g"]);
}
