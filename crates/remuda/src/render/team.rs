//! The team: members, roles, what each has done, signatures and whether they count as independent.

use super::Paper;
use super::layout::wrap;
use super::paint;
use super::table::{Side, Table};
use super::words::{ago, short};
use remuda_app::team::{MemberWork, Signature, Team};
use remuda_model::team::{Independence, Role};
use remuda_model::text;

/// `team`.
pub(crate) fn show(team: &Team, paper: &Paper) -> String {
    let solo = if team.solo { ", a declared one-person team" } else { "" };
    let mut out =
        format!("{}  stage {}, {} risk{solo}\n", paint::bold(&team.product), team.stage.as_str(), team.risk.as_str());
    out.push_str(&format!("\n{}\n", paint::bold(&text::count(team.members.len() as u64, "member"))));
    for work in &team.members {
        out.push_str(&member(work, paper));
    }
    if team.signatures.is_empty() {
        out.push_str("\nNo signatures yet.\n");
        return out;
    }
    out.push_str(&format!("\n{}\n{}", paint::bold("Signatures"), signatures(&team.signatures, paper)));
    out
}

fn member(work: &MemberWork, paper: &Paper) -> String {
    let last = work.last.map(|time| paint::dim(&format!("  last {}", ago(time, paper.now)))).unwrap_or_default();
    let roles = wrap(&roles(&work.member.roles), paper.width, 4);
    let mut out = format!("  {}{last}\n{roles}", paint::bold(&work.member.name));
    let facts: Vec<String> =
        work.facts.iter().map(|(verb, count)| format!("{verb} {}", text::thousands(*count))).collect();
    if !facts.is_empty() {
        out.push_str(&paint::dim(&wrap(&facts.join(", "), paper.width, 4)));
    }
    out
}

/// Signatures as a table.
pub(crate) fn signatures(signatures: &[Signature], paper: &Paper) -> String {
    let columns = [
        ("", Side::Left),
        ("kind", Side::Left),
        ("subject", Side::Left),
        ("by", Side::Left),
        ("when", Side::Whole),
        ("", Side::Left),
    ];
    let mut table = Table::new(&columns).indent(2);
    for signature in signatures {
        let (icon, words) = match &signature.waived {
            Some(waived) => (paint::yellow("!"), format!("`{}` until {}", waived.criterion, waived.until)),
            None => independence(&signature.independence),
        };
        table.row(vec![
            icon,
            signature.kind.as_str().to_owned(),
            signature.subject.clone(),
            signature.member.clone(),
            ago(signature.time, paper.now),
            words,
        ]);
    }
    table.render(paper.width)
}

/// `sign`.
pub(crate) fn signed(signature: &Signature, paper: &Paper) -> String {
    let mut out = format!(
        "{} {} signed {} of {}, bound to {}\n",
        paint::green("✓"),
        signature.member,
        signature.kind.as_str(),
        signature.subject,
        short(&signature.binds)
    );
    out.push_str(&wrap(&format!("“{}”", signature.kind.promise()), paper.width, 2));
    if let Some(waived) = &signature.waived {
        let slice = waived.slice.as_ref().map(|slice| format!(" ({slice})")).unwrap_or_default();
        let sentence =
            format!("`{}`{slice} may stay unmet until {}: {}", waived.criterion, waived.until, signature.remark);
        out.push_str(&wrap(&sentence, paper.width, 2));
        return out;
    }
    match &signature.independence {
        Independence::Independent => {}
        Independence::Solo => {
            let sentence = "It counts because the team is one person and says so; the release will say so too.";
            out.push_str(&wrap(sentence, paper.width, 2));
        }
        Independence::Contributed(work) => {
            let sentence = format!(
                "{} It does not count as independent, because {} {}.",
                paint::yellow("!"),
                signature.member,
                text::list(work)
            );
            out.push_str(&wrap(&sentence, paper.width, 2));
        }
    }
    out
}

fn independence(independence: &Independence) -> (String, String) {
    match independence {
        Independence::Independent => (paint::green("✓"), paint::dim("independent")),
        Independence::Solo => (paint::green("✓"), paint::dim("one-person team")),
        Independence::Contributed(work) => {
            (paint::yellow("!"), paint::dim(&format!("not independent: {}", text::list(work))))
        }
    }
}

/// Roles as people say them.
pub(crate) fn roles(roles: &[Role]) -> String {
    let words: Vec<String> = roles.iter().map(|role| role.words()).collect();
    text::list(&words)
}
