//! The standard normal distribution: lower tail, upper tail, density and quantile. Nothing about samples.

use super::gamma;
use std::f64::consts::PI;

/// P(Z <= z), to 13 digits also far in the lower tail: half of Q(1/2, z²/2).
#[must_use]
pub fn cdf(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    let half_tail = 0.5 * gamma::ln_incomplete(0.5, z * z / 2.0).1.exp();
    if z <= 0.0 { half_tail } else { 1.0 - half_tail }
}

/// P(Z > z), accurate in the upper tail as well.
#[must_use]
pub fn tail(z: f64) -> f64 {
    cdf(-z)
}

/// The density at z.
#[must_use]
pub fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// The quantile of the standard normal: the z with P(Z <= z) = `probability`.
///
/// Wichura (1988), algorithm AS 241, PPND16: about 16 digits. `probability` 0 gives negative infinity, 1 infinity.
///
/// ```
/// let z = remuda_stats::special::normal::quantile(0.95);
/// assert!((z - 1.644_853_626_951_472_2).abs() < 1e-14);
/// ```
#[must_use]
pub fn quantile(probability: f64) -> f64 {
    if probability <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if probability >= 1.0 {
        return f64::INFINITY;
    }
    let centred = probability - 0.5;
    if centred.abs() <= 0.425 {
        let r = 0.180_625 - centred * centred;
        return centred * ratio(&CENTRE_ABOVE, &CENTRE_BELOW, r);
    }
    let smaller = if centred < 0.0 { probability } else { 1.0 - probability };
    let r = (-smaller.ln()).sqrt();
    let magnitude =
        if r <= 5.0 { ratio(&MIDDLE_ABOVE, &MIDDLE_BELOW, r - 1.6) } else { ratio(&FAR_ABOVE, &FAR_BELOW, r - 5.0) };
    if centred < 0.0 { -magnitude } else { magnitude }
}

fn ratio(above: &[f64; 8], below: &[f64; 8], r: f64) -> f64 {
    let horner = |coefficients: &[f64; 8]| coefficients.iter().rev().fold(0.0, |sum, c| sum * r + c);
    horner(above) / horner(below)
}

const CENTRE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_BELOW: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_545,
];
const MIDDLE_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const MIDDLE_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_ABOVE: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_BELOW: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_7e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];
