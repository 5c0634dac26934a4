//! Generated support tickets: text in three languages, channel, priority. The same seed gives the same tickets.

/// A small generator (SplitMix64, Steele, Lea and Flood 2014): enough for a demonstration, the same on every machine.
pub(super) struct Random(u64);

impl Random {
    /// A generator with this seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0 .. 1`.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A place in `0 .. length`.
    pub(super) fn below(&mut self, length: usize) -> usize {
        (self.share() * length as f64) as usize
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// One ticket.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) created: String,
    pub(super) language: &'static str,
    pub(super) channel: &'static str,
    pub(super) text: String,
    pub(super) urgent: bool,
}

impl Ticket {
    /// The label as data files write it.
    pub(super) fn priority(&self) -> &'static str {
        if self.urgent { "urgent" } else { "routine" }
    }

    /// The inputs of a prediction.
    pub(super) fn inputs(&self) -> serde_json::Map<String, serde_json::Value> {
        let fields = [("language", self.language), ("channel", self.channel), ("text", self.text.as_str())];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}

/// Phrases of one language.
struct Language {
    code: &'static str,
    urgent: &'static [&'static str],
    routine: &'static [&'static str],
    either: &'static [&'static str],
    /// Share of tickets whose words point the other way: what makes a language hard.
    confusion: f64,
}

const LANGUAGES: [Language; 3] = [
    Language {
        code: "en",
        urgent: &[
            "our shop is down",
            "nobody can log in",
            "payments fail since this morning",
            "data is gone after the update",
            "customers are locked out",
            "the server does not answer",
            "we lose orders every minute",
            "the export deleted rows",
            "a security alert fired",
            "production has stopped",
        ],
        routine: &[
            "please send a copy of the invoice",
            "how do I change my address",
            "a question about the price list",
            "can I add a colleague",
            "where is the manual",
            "the logo looks odd on my phone",
            "please cancel the newsletter",
            "I would like a demo",
            "when is the next release",
            "a typo on the help page",
        ],
        either: &[
            "thank you",
            "hello team",
            "as discussed",
            "order number",
            "since yesterday",
            "in the app",
            "on the website",
            "regards",
        ],
        confusion: 0.05,
    },
    Language {
        code: "es",
        urgent: &[
            "la tienda no funciona",
            "nadie puede entrar",
            "los pagos fallan desde hoy",
            "se han perdido datos",
            "el servidor no responde",
            "perdemos pedidos",
            "clientes bloqueados",
            "producción parada",
            "alerta de seguridad",
        ],
        routine: &[
            "necesito una copia de la factura",
            "cómo cambio mi dirección",
            "una pregunta sobre precios",
            "quiero añadir a un compañero",
            "dónde está el manual",
            "cancelar el boletín",
            "me gustaría una demostración",
            "un error de ortografía en la ayuda",
        ],
        either: &[
            "gracias",
            "hola equipo",
            "como hablamos",
            "número de pedido",
            "desde ayer",
            "en la aplicación",
            "saludos",
        ],
        confusion: 0.09,
    },
    Language {
        code: "de",
        urgent: &[
            "der Shop ist ausgefallen",
            "niemand kann sich anmelden",
            "Zahlungen schlagen fehl",
            "Daten sind verschwunden",
            "der Server antwortet nicht",
            "wir verlieren Bestellungen",
            "Kunden sind ausgesperrt",
            "die Produktion steht",
        ],
        routine: &[
            "bitte eine Kopie der Rechnung",
            "wie ändere ich meine Adresse",
            "eine Frage zur Preisliste",
            "ich möchte eine Kollegin hinzufügen",
            "wo ist das Handbuch",
            "bitte den Newsletter abbestellen",
            "ein Tippfehler auf der Hilfeseite",
        ],
        either: &[
            "danke",
            "hallo zusammen",
            "wie besprochen",
            "Bestellnummer",
            "seit gestern",
            "in der App",
            "viele Grüße",
        ],
        confusion: 0.06,
    },
];

/// How tickets are drawn.
pub(super) struct Mix {
    /// Share of Spanish tickets; German keeps 15 %, English the rest.
    pub(super) spanish: f64,
    /// Share of urgent tickets.
    pub(super) urgent: f64,
}

/// Draws tickets, numbered from `first`.
pub(super) fn draw(random: &mut Random, first: usize, count: usize, day: &str, mix: &Mix) -> Vec<Ticket> {
    (0..count).map(|place| one(random, first + place, day, mix)).collect()
}

fn one(random: &mut Random, number: usize, day: &str, mix: &Mix) -> Ticket {
    let draw = random.share();
    let language = match draw {
        draw if draw < mix.spanish => &LANGUAGES[1],
        draw if draw < mix.spanish + 0.15 => &LANGUAGES[2],
        _ => &LANGUAGES[0],
    };
    let urgent = random.share() < mix.urgent;
    let confused = random.share() < language.confusion;
    let telling = if urgent != confused { language.urgent } else { language.routine };
    let mut words = vec![random.pick(language.either), random.pick(telling)];
    if random.share() < 0.5 {
        words.push(random.pick(telling));
    }
    if random.share() < 0.15 {
        words.push(random.pick(if urgent { language.routine } else { language.urgent }));
    }
    let mut text = words.join(", ");
    if random.share() < 0.5 {
        text = format!("{text} {}", random.pick(language.either));
    }
    if random.share() < 0.3 {
        text = format!("{text} {}", 1000 + random.below(9000));
    }
    let channel = match random.share() {
        share if share < if urgent { 0.45 } else { 0.2 } => "phone",
        share if share < 0.7 => "mail",
        _ => "chat",
    };
    Ticket { id: format!("T{number:06}"), created: day.to_owned(), language: language.code, channel, text, urgent }
}

/// Tickets as a CSV file.
pub(super) fn csv(tickets: &[Ticket]) -> String {
    let mut text = String::from("ticket,created,language,channel,text,priority\n");
    for ticket in tickets {
        let quoted = ticket.text.replace('"', "\"\"");
        let line = format!(
            "{},{},{},{},\"{quoted}\",{}\n",
            ticket.id,
            ticket.created,
            ticket.language,
            ticket.channel,
            ticket.priority()
        );
        text.push_str(&line);
    }
    text
}
