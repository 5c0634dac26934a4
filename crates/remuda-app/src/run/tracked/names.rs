//! Names for runs that nobody named: a colour, a horse, a number.

const COLOURS: [&str; 24] = [
    "amber", "bay", "black", "blond", "blue", "bronze", "brown", "buff", "chestnut", "copper", "cream", "dapple",
    "dun", "golden", "grey", "honey", "ivory", "pearl", "roan", "russet", "sable", "silver", "sorrel", "white",
];

const HORSES: [&str; 28] = [
    "ardennes", "arab", "barb", "bronco", "camargue", "cob", "colt", "courser", "criollo", "destrier", "donkey",
    "filly", "fjord", "foal", "galloway", "hunter", "jennet", "konik", "lipizzan", "mare", "morgan", "mule", "mustang",
    "palfrey", "pinto", "pony", "shire", "trotter",
];

/// A name made of these bits.
pub(super) fn random_name(bits: u64) -> String {
    let colour = COLOURS[(bits % COLOURS.len() as u64) as usize];
    let horse = HORSES[(bits / 31 % HORSES.len() as u64) as usize];
    format!("{colour}-{horse}-{}", bits / 1009 % 1000)
}
