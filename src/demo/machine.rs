//! One simulated machine: the readings of Azure IoT Edge's simulated temperature sensor, with
//! faults now and then.

use std::fmt::Write;

/// A small generator of pseudo-random numbers (SplitMix64): the same seed, the same machines.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly between `low` and `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        low + unit * (high - low)
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.between(0.0, 1.0) < probability
    }
}

/// What may be wrong with a machine for a few readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Overheating,
    Leak,
    BlockedValve,
    WarmRoom,
    DampRoom,
}

/// What a machine's sensors show: degrees C, bar, degrees C, % relative humidity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub temperature: f64,
    pub pressure: f64,
    pub ambient_temperature: f64,
    pub ambient_humidity: u32,
    pub fault: Option<Fault>,
}

impl Reading {
    /// The sensor's message, with the message's own id in front.
    pub fn to_json(self, id: &str, time: &str) -> String {
        let mut text = String::with_capacity(192);
        // Writing to a String can't fail.
        let _ = write!(
            text,
            "{{\"id\":\"{id}\",\"machine\":{{\"temperature\":{:.4},\"pressure\":{:.4}}},\
             \"ambient\":{{\"temperature\":{:.4},\"humidity\":{}}},\"timeCreated\":\"{time}\"}}",
            self.temperature, self.pressure, self.ambient_temperature, self.ambient_humidity,
        );
        text
    }
}

/// Where the temperature begins and where it stops climbing, degrees C.
const COLD: f64 = 21.0;
const HOT: f64 = 100.0;

/// A machine that heats up, stays hot for a while, and is reset.
#[derive(Debug, Clone)]
pub struct Machine {
    random: Random,
    temperature: f64,
    /// Readings left until the next reset, once hot.
    hot_for: u64,
    /// The fault, how strong it is (1 is clear), and for how many readings it stays.
    fault: Option<(Fault, f64, u64)>,
}

impl Machine {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        // Machines were switched on at different times.
        let temperature = random.between(COLD, HOT);
        let hot_for = 100 + random.below(300);
        Machine { random, temperature, hot_for, fault: None }
    }

    /// The next reading; a fault begins with `fault_probability`.
    pub fn read(&mut self, fault_probability: f64) -> Reading {
        self.step();
        self.break_or_mend(fault_probability);
        let random = &mut self.random;
        let mut reading = Reading {
            temperature: self.temperature,
            pressure: pressure_at(self.temperature) + random.between(-0.05, 0.05),
            ambient_temperature: random.between(20.5, 21.5),
            ambient_humidity: 24 + u32::try_from(random.below(3)).unwrap_or(0),
            fault: self.fault.map(|(fault, ..)| fault),
        };
        if let Some((fault, strength, _)) = self.fault {
            match fault {
                Fault::Overheating => {
                    reading.temperature = HOT + 8.0 * strength;
                    reading.pressure = pressure_at(reading.temperature);
                }
                Fault::Leak => reading.pressure = (reading.pressure - 2.5 * strength).max(0.3),
                Fault::BlockedValve => reading.pressure += 2.5 * strength,
                Fault::WarmRoom => reading.ambient_temperature += 7.0 * strength,
                Fault::DampRoom => reading.ambient_humidity = (25.0 + 16.0 * strength).round() as u32,
            }
        }
        reading
    }

    fn step(&mut self) {
        if self.temperature < HOT {
            self.temperature += self.random.between(-0.25, 1.25);
        } else if self.hot_for > 0 {
            self.hot_for -= 1;
            self.temperature += self.random.between(-0.5, 0.5) - 0.1 * (self.temperature - HOT);
            self.temperature = self.temperature.max(HOT);
        } else {
            self.hot_for = 100 + self.random.below(300);
            self.temperature = COLD;
        }
    }

    fn break_or_mend(&mut self, fault_probability: f64) {
        match &mut self.fault {
            Some((_, _, 0)) => self.fault = None,
            Some((_, _, readings)) => *readings -= 1,
            None if self.random.chance(fault_probability) => {
                let fault = match self.random.below(5) {
                    // Below its limit a machine that is too hot is just a hot machine; and a cold
                    // one has too little pressure for a leak to show.
                    0 if self.temperature >= HOT => Fault::Overheating,
                    1 if self.temperature > 60.0 => Fault::Leak,
                    0..=2 => Fault::BlockedValve,
                    3 => Fault::WarmRoom,
                    _ => Fault::DampRoom,
                };
                let strength = self.random.between(1.2, 2.4);
                self.fault = Some((fault, strength, 2 + self.random.below(5)));
            }
            None => {}
        }
    }
}

/// The pressure of a healthy machine at that temperature.
fn pressure_at(temperature: f64) -> f64 {
    1.0 + (temperature - COLD) * 9.0 / 79.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_readings() {
        let (mut a, mut b) = (Machine::new(7), Machine::new(7));
        assert!((0..500).all(|_| a.read(0.01) == b.read(0.01)));
        assert_ne!(Machine::new(8).read(0.0), Machine::new(7).read(0.0));
    }

    #[test]
    fn a_healthy_machine_climbs_stays_and_starts_again() {
        let mut machine = Machine::new(1);
        let readings: Vec<_> = (0..2_000).map(|_| machine.read(0.0)).collect();
        let (mut low, mut high) = (f64::MAX, f64::MIN);
        for reading in &readings {
            low = low.min(reading.temperature);
            high = high.max(reading.temperature);
            assert!((reading.pressure - pressure_at(reading.temperature)).abs() <= 0.05);
            assert!((24..=26).contains(&reading.ambient_humidity));
            assert_eq!(reading.fault, None);
        }
        assert!(low < 22.0 && (100.0..103.0).contains(&high), "{low} to {high}");
        let resets = readings.windows(2).filter(|pair| pair[0].temperature - pair[1].temperature > 50.0);
        assert!(resets.count() > 2);
    }

    #[test]
    fn faults_last_a_few_readings_and_pass() {
        let mut machine = Machine::new(3);
        let readings: Vec<_> = (0..5_000).map(|_| machine.read(0.01)).collect();
        let faulty = readings.iter().filter(|reading| reading.fault.is_some()).count();
        assert!((50..1_500).contains(&faulty), "{faulty}");
        let overheated = readings.iter().filter(|reading| reading.fault == Some(Fault::Overheating));
        assert!(overheated.clone().count() > 0);
        assert!(overheated.into_iter().all(|reading| reading.temperature > 105.0));
    }

    #[test]
    fn the_message_is_the_sensors() {
        let text = Machine::new(1).read(0.0).to_json("run-1", "2026-01-01T00:00:00.000000Z");
        let message: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(message["id"], "run-1");
        assert_eq!(message["timeCreated"], "2026-01-01T00:00:00.000000Z");
        assert!(message["machine"]["temperature"].is_f64() && message["machine"]["pressure"].is_f64());
        assert!(message["ambient"]["temperature"].is_f64() && message["ambient"]["humidity"].is_u64());
    }
}
