//! Which lines of SQL may filter rows, and what is said of the others.

use remuda_data::check_predicate;
use remuda_model::data::ColumnType;

fn columns() -> Vec<(String, ColumnType)> {
    [
        ("age", ColumnType::Integer),
        ("education-num", ColumnType::Number),
        ("Language", ColumnType::String),
        ("Flight Date", ColumnType::Date),
        ("active", ColumnType::Boolean),
        ("say \"hi\"", ColumnType::String),
    ]
    .map(|(name, kind)| (name.to_owned(), kind))
    .to_vec()
}

#[test]
fn predicates_are_plain_conditions() {
    for good in [
        "age >= 18",
        "AGE between 18 and 30 and language in ('es', 'pt')",
        "\"education-num\" / 2 > 3 or active",
        "lower(language) like 'e%' and not active",
        "\"Flight Date\" >= '2000-01-01'",
        "extract(year from \"Flight Date\") = 2001",
        "case when age > 5 then active else false end",
        "coalesce(age, 0) % 2 = 0 and abs(age) < 100",
        "\"say \"\"hi\"\"\" is not null",
        "length(trim(language)) > 1",
        "language ~ '^e'",
        "cast(age as varchar) = '5'",
        "substring(language from 1 for 1) = 'e'",
    ] {
        assert_eq!(check_predicate(good, &columns()), Ok(()), "{good}");
    }
}

#[test]
fn everything_else_is_refused_where_it_stands() {
    let cases = [
        ("", "the predicate is empty: write a condition such as `age >= 18`", ""),
        ("agee > 5", "there is no column `agee`; did you mean `age`?", "agee"),
        ("active and langauge = 'es'", "there is no column `langauge`; did you mean `Language`?", "langauge"),
        ("\"language\" = 'es'", "there is no column `language`; did you mean `Language`?", "\"language\""),
        (
            "education > 5",
            "there is no column `education`; did you mean `\"education-num\"`, in double quotes?",
            "education",
        ),
        ("language = \"es\"", "there is no column `es`; texts stand in single quotes: `'es'`", "\"es\""),
        ("age", "it gives a number where true or false is expected: compare it with something", "age"),
        ("count(age) > 5", "the aggregate `count` is not allowed in a predicate: it sees one row at a time", ""),
        ("random() < 0.5", "the function `random` is not allowed in a predicate", ""),
        ("lowr(language) = 'es'", "the function `lowr` is not allowed in a predicate; did you mean `lower`?", ""),
        (
            "row_number() over () < 5",
            "`row_number` over a window is not allowed in a predicate: it sees one row at a time",
            "",
        ),
    ];
    for (text, message, span) in cases {
        let error = check_predicate(text, &columns()).unwrap_err();
        assert_eq!(error.message, message, "{text}");
        if !span.is_empty() {
            assert_eq!(&text[error.span.clone()], span, "{text}");
        }
    }
    for bad in [
        "age in (select 1)",
        "exists (select 1)",
        "(select true)",
        "age > (select 1)",
        "age > 5; drop table t",
        "age >",
        "age > 5 as x",
        "now() > '2026-01-01'",
        "current_date > '2026-01-01'",
        "select 1",
        "(age > 5",
        "age > 5 order by age",
        "array[1,2] = array[1,2]",
        "age = ?",
        "age = $1",
        "sum(age) over () > 1",
        "lower(distinct language) = 'a'",
        "*",
        "1",
        "age + 'x' > 2 and language + 1",
    ] {
        let error = check_predicate(bad, &columns()).unwrap_err();
        assert!(error.span.end <= bad.len() && !error.message.is_empty(), "{bad}: {error:?}");
    }
}
