//! Example answers of every use case that a page shows, as a team predicting churn would have them. Shared by the
//! tests and by `examples/gallery.rs`. `hostile` makes every text one that would like to run.

pub(crate) mod analysis;
pub(crate) mod behaviour;
pub(crate) mod data;
pub(crate) mod gate;
pub(crate) mod live;
pub(crate) mod many;
pub(crate) mod pages;
pub(crate) mod run;

use remuda_app::ledger::{FactLine, Facts, Join, Lineage, LineageStep, Thing};
use remuda_app::product::{Board, HoldoutState, LiveSummary, Waiting};
use remuda_app::requirement::{CriterionWords, RequirementPage, RequirementState, Requirements};
use remuda_app::team::{MemberWork, Signature, Team, Waived};
use remuda_model::Digest;
use remuda_model::gate::VerdictKind;
use remuda_model::team::{Independence, Member, Risk, Role, SignatureKind, Stage};
use remuda_web::components::{Frame, Theme};

/// 2026-11-23 14:05 UTC.
pub(crate) const NOW: i64 = 1_795_442_700_000_000;
/// An hour in microseconds.
pub(crate) const HOUR: i64 = 3_600_000_000;

pub(crate) fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(crate) fn frame(path: &str, theme: Theme) -> Frame {
    Frame {
        product: "churn".into(),
        actor: "quality".into(),
        roles: vec![Role::QualityEngineer],
        theme,
        now: NOW,
        path: path.into(),
        signed_in: true,
        host: "127.0.0.1:7070".into(),
        notice: None,
    }
}

pub(crate) fn fact(sequence: i64, actor: &str, verb: &str, sentence: &str) -> FactLine {
    FactLine {
        sequence,
        id: format!("0199f2c4-7d1e-7a31-9c55-{sequence:012}"),
        time: NOW - (60 - sequence) * HOUR,
        actor: actor.into(),
        verb: verb.into(),
        subject: digest(&format!("subject {sequence}")).to_string(),
        sentence: sentence.into(),
        hash: digest(&format!("hash {sequence}")).to_string(),
    }
}

pub(crate) fn facts() -> Facts {
    let told = [
        ("owner", "requirement.signed", "signed the intent of `retention`"),
        ("engineer", "data.added", "added 7,043 rows to `customers`, the contract kept"),
        ("scientist", "run.finished", "finished run `k3f7m2pq9x`: 3 steps, 1 skipped"),
        ("scientist", "gate.evaluated", "evaluated `trees` on the holdout: undecided, 1 of 20 spent"),
        ("engineer", "data.added", "added 9,150 rows to `customers`, 2,107 of them new"),
        ("scientist", "run.finished", "finished run `w8c4n6rt2b`: 3 steps"),
        ("quality", "gate.evaluated", "evaluated `trees` on the holdout: met, 2 of 20 spent"),
        ("quality", "team.signed", "signed the evidence of evaluation `h6v9d3kq7m`"),
        ("owner", "team.signed", "signed: the product takes release `41d0c2aa96e1`"),
        ("operations", "release.promoted", "made release `41d0c2aa96e1` live"),
    ];
    let facts =
        told.iter().enumerate().map(|(index, (actor, verb, sentence))| fact(50 + index as i64, actor, verb, sentence));
    Facts { facts: facts.rev().collect(), more: true }
}

pub(crate) fn requirement() -> RequirementState {
    let verdicts = gate::verdicts();
    RequirementState {
        name: "retention".into(),
        goal: "Customers about to leave hear from us before they do, without annoying the others".into(),
        owner: "owner".into(),
        dataset: "customers".into(),
        digest: digest("requirement retention").to_string(),
        criteria: verdicts
            .iter()
            .map(|verdict| CriterionWords { text: verdict.criterion.clone(), words: verdict.words.clone() })
            .collect(),
        verdict: VerdictKind::Undecided,
        verdicts,
        evaluation: Some(gate::summary(VerdictKind::Undecided)),
        stale: vec!["the dataset has a newer version `9c1e22ab7f30` than the one evaluated".into()],
        signed_by: vec!["owner".into()],
    }
}

pub(crate) fn requirements() -> Requirements {
    let mut second = requirement();
    second.name = "fairness".into();
    second.goal = "Nobody is worse served for where they live".into();
    second.verdict = VerdictKind::Met;
    second.verdicts.truncate(1);
    second.stale.clear();
    second.signed_by.clear();
    let mut third = requirement();
    third.name = "cost".into();
    third.goal = "A call costs 4 euros, a lost customer 310".into();
    third.verdicts.clear();
    third.criteria.truncate(2);
    third.evaluation = None;
    third.stale.clear();
    Requirements { requirements: vec![requirement(), second, third] }
}

pub(crate) fn requirement_page() -> RequirementPage {
    RequirementPage {
        state: requirement(),
        path: "requirements/retention.md".into(),
        prose: "# Why\n\nEach month about **2 %** of customers leave, and most of them gave signs before. A call from the \
                retention desk keeps one in four.\n\n- a false alarm costs a call\n- a miss costs a customer\n\n> Better ten calls too many than a customer lost in silence.\n\nThe desk can make `120` calls a day."
            .into(),
        history: vec![gate::summary(VerdictKind::Undecided), gate::summary(VerdictKind::NotMet)],
    }
}

pub(crate) fn members() -> Vec<Member> {
    let member = |name: &str, roles: &[Role]| Member {
        name: name.into(),
        email: Some(format!("{name}@example.org")),
        roles: roles.to_vec(),
    };
    vec![
        member("owner", &[Role::ProductOwner]),
        member("scientist", &[Role::DataScientist, Role::ResearchEngineer]),
        member("engineer", &[Role::DataEngineer]),
        member("quality", &[Role::QualityEngineer, Role::DomainExpert]),
        member("operations", &[Role::BackendEngineer]),
    ]
}

pub(crate) fn waiting() -> Vec<Waiting> {
    vec![
        Waiting {
            what: "`recall of Yes >= 0.80 where Contract = 'Month-to-month'` is undecided: 90 to 410 more labels would decide it".into(),
            roles: vec![Role::Annotator, Role::DataEngineer],
            members: vec!["engineer".into()],
            command: "remuda data add FILE --as customers".into(),
            kind: "undecided".into(),
        },
        Waiting {
            what: "the evidence of evaluation `h6v9d3kq7m` waits for somebody who did none of the work".into(),
            roles: vec![Role::QualityEngineer, Role::DomainExpert],
            members: vec!["quality".into()],
            command: "remuda sign evidence h6v9d3kq7m".into(),
            kind: "signature".into(),
        },
        Waiting {
            what: "column `PaymentMethod` drifts: 0.31 against 0.02 by chance".into(),
            roles: vec![Role::BackendEngineer],
            members: vec!["operations".into()],
            command: "remuda live".into(),
            kind: "alert".into(),
        },
    ]
}

pub(crate) fn board() -> Board {
    let page = live::page();
    Board {
        product: "churn".into(),
        stage: Stage::Operate,
        risk: Risk::Medium,
        solo: false,
        members: members(),
        requirements: requirements().requirements,
        waiting: waiting(),
        datasets: vec![data::line("customers", 2)],
        runs: run::runs().runs,
        evaluation: Some(gate::summary(VerdictKind::Undecided)),
        holdouts: vec![HoldoutState { dataset: "customers".into(), spent: 3, budget: 20, rows: 1_371 }],
        live: page.release.map(|release| LiveSummary {
            release,
            predictions: page.predictions,
            outcomes: page.outcomes,
            metric: page.metrics.first().cloned(),
            drifted: vec!["PaymentMethod".into()],
            traffic: page.traffic,
        }),
        activity: facts().facts,
        diagnostics: Vec::new(),
    }
}

pub(crate) fn empty_board() -> Board {
    Board {
        product: "churn".into(),
        stage: Stage::Explore,
        risk: Risk::Low,
        solo: true,
        members: Vec::new(),
        requirements: Vec::new(),
        waiting: Vec::new(),
        datasets: Vec::new(),
        runs: Vec::new(),
        evaluation: None,
        holdouts: Vec::new(),
        live: None,
        activity: Vec::new(),
        diagnostics: Vec::new(),
    }
}

pub(crate) fn signatures() -> Vec<Signature> {
    let signature = |kind, member: &str, subject: &str, independence, remark: &str| Signature {
        fact: format!("0199f2c4-7d1e-7a31-9c55-{member}"),
        kind,
        member: member.into(),
        time: NOW - 5 * HOUR,
        subject: subject.into(),
        binds: digest(subject).to_string(),
        independence,
        remark: remark.into(),
        waived: (kind == SignatureKind::Waiver).then(|| Waived {
            criterion: "recall >= 0.7".into(),
            slice: None,
            until: "2026-12-31".into(),
        }),
    };
    let work = vec!["trained run `w8c4n6rt2b`".into(), "wrote `pipeline.toml`".into()];
    vec![
        signature(
            SignatureKind::Accept,
            "owner",
            "release 41d0c2aa96e1",
            Independence::Independent,
            "go, and watch the month-to-month contracts",
        ),
        signature(
            SignatureKind::Evidence,
            "quality",
            "evaluation h6v9d3kq7m",
            Independence::Independent,
            "re-ran it on a clean machine",
        ),
        signature(SignatureKind::Evidence, "scientist", "evaluation h6v9d3kq7m", Independence::Contributed(work), ""),
        signature(SignatureKind::Waiver, "owner", "evaluation h6v9d3kq7m", Independence::Independent, "a quiet month"),
        signature(SignatureKind::Intent, "owner", "requirement retention", Independence::Solo, ""),
    ]
}

pub(crate) fn team() -> Team {
    let work = |member: Member| MemberWork {
        member,
        facts: vec![("run.finished".into(), 12), ("data.added".into(), 2), ("team.signed".into(), 3)],
        last: Some(NOW - 3 * HOUR),
    };
    let mut members: Vec<MemberWork> = members().into_iter().map(work).collect();
    if let Some(last) = members.last_mut() {
        last.facts.clear();
        last.last = None;
    }
    Team {
        product: "churn".into(),
        stage: Stage::Operate,
        risk: Risk::Medium,
        solo: false,
        members,
        signatures: signatures(),
    }
}

pub(crate) fn empty_team() -> Team {
    Team { members: Vec::new(), signatures: Vec::new(), solo: true, risk: Risk::Low, ..team() }
}

pub(crate) fn lineage() -> Lineage {
    let thing = |kind: &str, name: &str| Thing { kind: kind.into(), id: digest(name).to_string(), name: name.into() };
    let step = |distance, kind: &str, name: &str, from: &str, sentence: &str| LineageStep {
        distance,
        thing: thing(kind, name),
        fact: fact(i64::from(distance) + 40, "scientist", "run.finished", sentence),
        from: digest(from).to_string(),
    };
    Lineage {
        thing: thing("release", "release 41d0c2aa96e1"),
        because: vec![
            step(1, "model_version", "trees", "release 41d0c2aa96e1", "the release was made of `trees`"),
            step(
                1,
                "evaluation",
                "evaluation h6v9d3kq7m",
                "release 41d0c2aa96e1",
                "the release rests on this evaluation",
            ),
            step(2, "run", "run w8c4n6rt2b", "trees", "the run trained `trees`"),
            step(3, "dataset_version", "customers 9c1e22ab7f30", "run w8c4n6rt2b", "the run read the train split"),
            step(3, "definition", "pipeline.toml", "run w8c4n6rt2b", "the run followed this text"),
            step(2, "requirement", "retention", "evaluation h6v9d3kq7m", "the evaluation held `trees` against it"),
        ],
        led_to: vec![
            step(1, "promotion", "live since 2026-11-22", "release 41d0c2aa96e1", "operations made it live"),
            step(2, "prediction", "prediction 7590-VHVEG", "live since 2026-11-22", "predicted `Yes` with 0.81"),
            step(3, "outcome", "outcome of 7590-VHVEG", "prediction 7590-VHVEG", "the customer stayed"),
        ],
        joins: vec![Join { cause: digest("trees").to_string(), effect: digest("evaluation h6v9d3kq7m").to_string() }],
    }
}
