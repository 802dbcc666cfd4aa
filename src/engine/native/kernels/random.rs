//! Random numbers: MT19937 (Matsumoto, Nishimura 1998), seeded and read as `numpy.random.RandomState` does,
//! so that a seed gives the numbers of ONNX's reference implementation.

const LEN: usize = 624;
const SHIFT: usize = 397;

/// A stream of random numbers.
pub struct Generator {
    state: Box<[u32; LEN]>,
    at: usize,
    /// The second of a pair of normal numbers.
    spare: Option<f64>,
}

impl Generator {
    /// From a seed, or from the run's own state, which moves on.
    pub fn new(seed: Option<u32>, run: &mut u64) -> Self {
        let seed = seed.unwrap_or_else(|| {
            // SplitMix64 (Steele, Lea, Flood 2014).
            *run = run.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *run;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed >> 32) as u32
        });
        let mut state = Box::new([0; LEN]);
        let mut last = seed;
        for (index, word) in (0u32..).zip(state.iter_mut()) {
            if index > 0 {
                last = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(index);
            }
            *word = last;
        }
        Generator { state, at: LEN, spare: None }
    }

    fn word(&mut self) -> u32 {
        if self.at == LEN {
            for i in 0..LEN {
                let mixed = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % LEN] & 0x7fff_ffff);
                let odd = if mixed % 2 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + SHIFT) % LEN] ^ (mixed >> 1) ^ odd;
            }
            self.at = 0;
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// From 0 to less than 1, in steps of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// Whether something of this probability happens: `binomial(1, chance)`, which searches from the likelier
    /// end.
    pub fn happens(&mut self, chance: f64) -> bool {
        let drawn = self.uniform();
        if chance <= 0.5 { drawn > 1.0 - chance } else { drawn <= chance }
    }

    /// With mean 0 and deviation 1: Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let scale = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(scale * x);
                return scale * y;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.random.RandomState(5)`: the first of `rand`, of `randn`, and of `binomial`.
    #[test]
    fn a_seed_gives_the_numbers_of_numpy() {
        let mut state = 0;
        assert_eq!(Generator::new(Some(5), &mut state).uniform(), 0.22199317108973948);
        let mut normal = Generator::new(Some(5), &mut state);
        assert!((normal.normal() - 0.44122748688504143).abs() < 1e-15);
        assert!((normal.normal() + 0.33087015189408764).abs() < 1e-15);
        assert_eq!(state, 0);
        let mut draws = Generator::new(Some(5), &mut state);
        let drawn = [0.2, 0.0, 0.5, 0.9, 0.3, 0.8, 0.6, 0.4].map(|chance| draws.happens(chance));
        assert_eq!(drawn.map(u8::from), [0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn without_a_seed_every_stream_is_another() {
        let mut state = 1;
        let first = Generator::new(None, &mut state).uniform();
        assert_ne!(first, Generator::new(None, &mut state).uniform());
    }
}
