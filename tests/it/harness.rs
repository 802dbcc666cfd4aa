//! The proof's own tools do what they say: the tap, the numbered messages, the disks that fail.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::FileExt,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rumqttc::mqttbytes::{QoS, v4};

use crate::support::{
    broker::Broker,
    client::{Client, Message},
    edgeward,
    faulty::{Errno, Fault, FaultyDisk, On, What},
    loop_disk::LoopDisk,
    numbered::{Delays, Receiver, Sender, ranges},
    packets::{Packet, Packets},
    slow_model,
    tap::Tap,
    until,
};

#[test]
fn packets_are_cut_out_of_any_pieces() {
    let mut bytes = BytesMut::new();
    let mut publish = v4::Publish::new("in/a", QoS::AtLeastOnce, vec![b'x'; 300]);
    publish.pkid = 513;
    publish.dup = true;
    v4::Packet::Publish(publish).write(&mut bytes, usize::MAX).unwrap();
    v4::Packet::PingReq.write(&mut bytes, usize::MAX).unwrap();
    v4::Packet::Publish(v4::Publish::new("b", QoS::AtMostOnce, "")).write(&mut bytes, usize::MAX).unwrap();
    v4::Packet::PubAck(v4::PubAck::new(7)).write(&mut bytes, usize::MAX).unwrap();
    let wanted = [
        Packet::Publish { topic: "in/a".into(), payload: vec![b'x'; 300], id: Some(513), again: true },
        Packet::Publish { topic: "b".into(), payload: vec![], id: None, again: false },
        Packet::Puback { id: 7 },
    ];
    for size in [1, 2, 3, 100, 1000] {
        let (mut packets, mut found) = (Packets::default(), vec![]);
        for piece in bytes.chunks(size) {
            packets.feed(piece, |packet| found.push(packet));
        }
        assert_eq!(found, wanted, "in pieces of {size}");
    }
}

#[test]
fn the_tap_notes_what_was_given_and_acknowledged() {
    let broker = Broker::start();
    let tap = Tap::on(broker.port, |payload| std::str::from_utf8(payload).unwrap().parse().ok());
    let sender = Client::new(broker.port);
    let hearer = Client::lasting(tap.port, "hearer").unwrap();
    hearer.subscribe("in/+");
    for n in 0..3 {
        sender.publish("in/a", n.to_string());
    }
    until("three acknowledgements", || (tap.acknowledged() == 3).then_some(()));
    assert_eq!(tap.numbers(), BTreeSet::from([0, 1, 2]));
    assert!(tap.deliveries().iter().all(|d| d.topic == "in/a" && d.connection == 1 && d.delay().is_some()));

    // Held: given, but it does not get there.
    tap.hold(true);
    sender.publish("in/a", "3");
    until("the fourth", || (tap.deliveries().len() == 4).then_some(()));
    assert!(hearer.take().len() <= 3);
    assert_eq!(tap.acknowledged(), 3);
    tap.hold(false);
    until("its acknowledgement", || (tap.acknowledged() == 4).then_some(()));

    // Cut and refused; then what was not acknowledged comes again.
    tap.refuse(true);
    tap.cut();
    hearer.wait_closed();
    assert!(Client::lasting(tap.port, "hearer").is_err());
    sender.publish("in/a", "4");
    tap.refuse(false);
    let again = Client::lasting(tap.port, "hearer").unwrap();
    assert!(again.session_present);
    assert_eq!(again.next().text(), "4");
    // The broker may have sent the fifth into the cut connection before it noticed; it is told apart by then.
    let given = tap.deliveries();
    let (first, second): (Vec<_>, Vec<_>) = given.iter().partition(|delivery| delivery.connection == 1);
    assert!(first.iter().all(|delivery| delivery.id.is_some() && !delivery.again), "none was repeated");
    assert_eq!(second.iter().map(|delivery| &delivery.payload[..]).collect::<Vec<_>>(), [b"4"]);
    until("the fifth", || (tap.acknowledged() == 5).then_some(()));
    assert_eq!(tap.connections(), 2);
    assert_eq!(tap.open(), 1);
    assert!(tap.unasked().is_empty());
}

fn plain(message: &Message) -> Option<(u64, String)> {
    let text = message.text();
    Some((text.parse().ok()?, format!("id-{text}")))
}

#[test]
fn numbered_messages_all_come_over_restarts_of_the_broker() {
    const COUNT: u64 = 5000;
    let mut broker = Broker::start();
    let receiver = Receiver::start(broker.port, "receiver", "n/#", plain);
    let sender = Sender::start(broker.port, 200, |n| (format!("n/{}", n % 2), n.to_string().into_bytes()));
    for part in 1..=4 {
        sender.allow(COUNT * part / 4);
        if part < 4 {
            receiver.wait_for(0..COUNT * part / 4 - COUNT / 8);
            broker.stop();
            broker.appear();
        }
    }
    assert_eq!(sender.finish(), COUNT);
    receiver.wait_for(0..COUNT);
    assert_eq!(receiver.count() as u64, COUNT);
    assert!(receiver.renamed().is_empty());
    let (even, odd) = (receiver.delays(&sender.sent_at(), "n/0"), receiver.delays(&sender.sent_at(), "n/1"));
    assert_eq!((even.len(), odd.len()), (COUNT as usize / 2, COUNT as usize / 2));
    assert!(even.at(0.5) <= even.at(1.0));
}

#[test]
fn a_result_with_another_id_is_noticed() {
    let broker = Broker::start();
    let read = |message: &Message| {
        let (number, id) = message.text().split_once(' ').unwrap();
        Some((number.parse().ok()?, id.to_owned()))
    };
    let receiver = Receiver::start(broker.port, "receiver", "n", read);
    let sender = Client::new(broker.port);
    for text in ["1 a", "2 b", "1 a", "3 c", "2 x"] {
        sender.publish("n", text);
    }
    until("all five", || (receiver.count() + receiver.repeats() == 5).then_some(()));
    assert_eq!(receiver.renamed(), [2]);
    assert_eq!(receiver.repeats(), 2);
    assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
    let delays = Delays::new((1..=100).map(Duration::from_millis));
    assert_eq!(delays.at(0.99), Duration::from_millis(99));
}

#[test]
fn a_loop_disk_fills_up_breaks_and_is_repaired() {
    let Some(mut disk) = LoopDisk::new(32 << 20) else { return };
    let file = disk.path().join("file");
    let mut open = OpenOptions::new().create(true).append(true).open(&file).unwrap();
    open.write_all(b"first").unwrap();
    disk.fill(1 << 20);
    assert!(disk.free_bytes() <= 1 << 20 && disk.free_bytes() > 512 << 10, "{}", disk.free_bytes());
    disk.fill(0);
    let error = until("no room", || open.write_all(&[0; 8192]).err());
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    disk.free();
    open.set_len(5).unwrap();
    open.write_all(b" second").unwrap();
    open.sync_all().unwrap();

    disk.fail();
    assert_eq!(open.write_all(b" lost").unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    assert_eq!(File::create(disk.path().join("new")).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    assert_eq!(fs::read(&file).unwrap(), b"first second");
    disk.repair();
    assert_eq!(fs::read(&file).unwrap(), b"first second");
    fs::write(disk.path().join("new"), b"new").unwrap();
    assert!(open.write_all(b" lost").is_err(), "it belongs to the broken one");
}

#[test]
fn the_faulty_disk_is_a_disk_while_it_has_no_faults() {
    let Some(disk) = FaultyDisk::new() else { return };
    let at = |name: &str| disk.path().join(name);
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("folder/a"), b"some bytes").unwrap();
    let mut file = OpenOptions::new().append(true).open(at("folder/a")).unwrap();
    file.write_all(b", and more").unwrap();
    file.sync_all().unwrap();
    file.sync_data().unwrap();
    File::open(at("folder")).unwrap().sync_all().unwrap();
    fs::rename(at("folder/a"), at("folder/b")).unwrap();
    file.write_all(b"!").unwrap();
    assert_eq!(fs::read(at("folder/b")).unwrap(), b"some bytes, and more!");
    fs::rename(at("folder"), at("other")).unwrap();
    assert_eq!(fs::read(disk.behind().join("other/b")).unwrap(), b"some bytes, and more!");
    let write_at = OpenOptions::new().write(true).open(at("other/b")).unwrap();
    write_at.write_all_at(b"SOME", 0).unwrap();
    write_at.set_len(4).unwrap();
    assert_eq!(fs::metadata(at("other/b")).unwrap().len(), 4);
    // Over another one, and unlinked while it is open.
    fs::write(at("other/c"), b"c").unwrap();
    fs::rename(at("other/b"), at("other/c")).unwrap();
    let mut open = File::open(at("other/c")).unwrap();
    fs::remove_file(at("other/c")).unwrap();
    let mut text = String::new();
    open.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), open.metadata().unwrap().len()), ("SOME", 4));
    for n in 0..300 {
        fs::write(at("other").join(n.to_string()), [n as u8; 10]).unwrap();
    }
    let mut names: Vec<u32> = fs::read_dir(at("other"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, (0..300).collect::<Vec<_>>());
    fs::remove_dir_all(at("other")).unwrap();
    assert_eq!(fs::read_dir(disk.behind()).unwrap().count(), 0);
    // Locks are the kernel's own.
    let (one, two) = (File::create(at("lock")).unwrap(), File::open(at("lock")).unwrap());
    one.try_lock().unwrap();
    assert!(two.try_lock().is_err());
    assert_eq!(disk.faults.hits(), 0);
    assert!(disk.faults.syncs() >= 2 && disk.faults.written() > 3000);
}

#[test]
fn the_faulty_disk_has_the_faults_it_is_told() {
    let Some(disk) = FaultyDisk::new() else { return };
    let (faults, path) = (&disk.faults, disk.path().join("file"));
    let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
    let content = || String::from_utf8(fs::read(disk.behind().join("file")).unwrap()).unwrap();
    let code = |error: std::io::Error| Errno::from_i32(error.raw_os_error().unwrap());

    faults.add(Fault::nth(On::Write, 2, What::Fail(Errno::EIO)));
    file.write_all(b"one ").unwrap();
    assert_eq!(code(file.write_all(b"two ").unwrap_err()), Errno::EIO);
    file.write_all(b"three ").unwrap();
    assert_eq!(content(), "one three ");
    assert_eq!(faults.hits(), 1);

    faults.add(Fault::nth(On::Write, 1, What::Tear(3)));
    assert_eq!(code(file.write_all(b"four ").unwrap_err()), Errno::EIO);
    assert_eq!(content(), "one three fou");
    assert_eq!(fs::read(&path).unwrap(), b"one three fou", "the kernel keeps nothing else");

    file.set_len(10).unwrap();
    file.sync_data().unwrap();
    file.write_all(b"unsynced ").unwrap();
    file.set_len(3).unwrap();
    faults.add(Fault::nth(On::Sync, 1, What::Lose));
    assert_eq!(code(file.sync_data().unwrap_err()), Errno::EIO);
    assert_eq!(content(), "one three ");
    faults.add(Fault::nth(On::Sync, 1, What::Fail(Errno::EIO)));
    assert_eq!(code(file.sync_all().unwrap_err()), Errno::EIO);
    file.sync_all().unwrap();

    faults.full();
    assert_eq!(file.write_all(b"five").unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(File::create(disk.path().join("new")).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(rustix::fs::statvfs(disk.path()).unwrap().f_bavail, 0);
    fs::write(&path, b"").unwrap();
    faults.clear();
    faults.read_only();
    assert_eq!(file.write_all(b"five").unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    assert_eq!(fs::remove_file(&path).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    faults.clear();

    let slow = Duration::from_millis(30);
    faults.add(Fault::always(On::Sync, What::Slow(slow)));
    file.write_all(b"five").unwrap();
    let begin = Instant::now();
    file.sync_data().unwrap();
    assert!(begin.elapsed() >= slow, "{:?}", begin.elapsed());
}

#[test]
fn a_faulty_disk_goes_away_with_files_open() {
    let Some(disk) = FaultyDisk::new() else { return };
    let place = disk.path().to_owned();
    let mut file = File::create(place.join("file")).unwrap();
    drop(disk);
    assert!(!fs::read_to_string("/proc/self/mounts").unwrap().contains(place.to_str().unwrap()));
    // Its threads live until the last file is closed; a write still has somebody to answer it.
    let _ = file.write_all(b"late");
}

#[test]
fn the_slow_model_is_slow() {
    let folder = tempfile::tempdir().unwrap();
    let model = slow_model::write(folder.path());
    let bench = edgeward().args(["model", "bench", "--json", "--secs", "1"]).arg(model).output().unwrap();
    assert!(bench.status.success(), "{}", String::from_utf8_lossy(&bench.stderr));
    let said: serde_json::Value = serde_json::from_slice(&bench.stdout).unwrap();
    let micros = said["batches"][0]["p50_us"].as_f64().unwrap();
    assert!(micros > 50_000.0, "{said:#}");
}
