//! Values that many machines have at once, and so tell none apart. Sources: `docs/FINGERPRINTS.md`.

use super::DropReason;

/// What boards and hypervisors report where nobody filled in the real value, as it reads once normalized.
const PLACEHOLDERS: [&str; 60] = [
    "",
    "(null)",
    "(nullstring)",
    "0123456789",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "123456789000",
    "12345678901234567",
    "accessdenied",
    "baseboardserialnumber",
    "chassisserialnumber",
    "defaultstring",
    "empty",
    "error",
    "eval",
    "failed",
    "false",
    "iatpass",
    "invalid",
    "mb1234567890",
    "n/a",
    "na",
    "nan",
    "nil",
    "nnnnnnn",
    "none",
    "notapplicable",
    "notavailable",
    "notfound",
    "notpresent",
    "notsettable",
    "notspecified",
    "notsupported",
    "null",
    "nullstring",
    "oemserial",
    "pcie2",
    "serialnumberxxxxxx",
    "sn12345",
    "sn1234567890",
    "standard",
    "sys1234567890",
    "sys9876543210",
    "systemserialnumb",
    "systemserialnumber",
    "tobefilledbyoem",
    "tulipcomputers",
    "type2boardserialnumber",
    "unavailable",
    "undefined",
    "uninitialized",
    "unknow",
    "unknown",
    "unspecified",
    "unsupported",
    "xxxxxxxxxxx",
];

/// What reading a value failed with, wherever in the text: programs that run tools keep their complaint for an answer.
const COMPLAINTS: [&str; 3] = ["permissiondenied", "nosuchfileordirectory", "commandnotfound"];

/// System UUIDs of whole series of boards, normalized; either byte order of each counts.
const SHARED_UUIDS: [&str; 19] = [
    "00000000000000000000000000000000",
    "01010101010101010101010101010101",
    "0102030405060708090a0b0c0d0e0f10",
    "03000200040005000006000700080009",
    "030201000504070608090a0b0c0d0e0f",
    "07090201010303010807060504030201",
    "10000000000080000040000000000000",
    "11111111111111111111111111111111",
    "11111111222233334444555555555555",
    "123456781234567890abcddeefaabbcc",
    "4c4c454400002010802080c04f202020",
    "58585858585858585858585858585858",
    "6ab5b300538d10149fb5b0684d007b53",
    "890e2d14cacd45d1ae66bc80e8bfeb0f",
    "8a95d1987f4611e5bf8b08002704d48e",
    "8e275844178f44a8aceba7d7e5178c63",
    "dc698397fa544cf282c8b1b5307a6a7f",
    "fefefefefefefefefefefefefefefefe",
    "ffffffffffffffffffffffffffffffff",
];

/// Hardware addresses, or how they begin, that many machines have at once, normalized.
const SHARED_MACS: [&str; 33] = [
    "000000000000",
    "00000000fe21",
    "000001000001",
    "00000c07ac",
    "00005e0001",
    "00005e0002",
    "000203040506",
    "00037f1123c6",
    "00040b808080",
    "00059a3c",
    "0007b400",
    "00090faa0001",
    "00090ffe0001",
    "000bcafe0000",
    "000ec6877201",
    "001a7dda710a",
    "001a7dda7113",
    "001c420000",
    "005056c000",
    "00a0c6000000",
    "00e04c534458",
    "00ff",
    "044b80808003",
    "080027000193",
    "204153594eff",
    "24b620524153",
    "33506f453030",
    "444553540000",
    "444553540001",
    "44455354616f",
    "505054503030",
    "888888888788",
    "acde48001122",
];

/// Installation ids that images were shipped with.
const SHARED_MACHINE_IDS: [&str; 11] = [
    "1c4ad377574c4263adbb7c624b6a3429",
    "512e938faf4449bdabef0c5f82325488",
    "85f94e57ab75f80918cab17d001eac85",
    "88544b92092430bc5d3fbbffc12a2f04",
    "8de09901927748448332045470f41cc8",
    "9989a26f06984d6dbadc01770f018e3b",
    "b4047197195f4f359571cd0658157294",
    "b76cc7b1bbdc489e93909d2043031de8",
    "cdb7f92199c748a7a20d33ab52974cbb",
    "e7d0df732b0649e49e97a4d764308014",
    "ebb19c6b226f48fa86a541fd060e8762",
];

/// What the first rules dropped, and no more.
pub(super) fn was_placeholder(text: &str) -> bool {
    let known = [
        "",
        "tobefilledbyoem",
        "03000200040005000006000700080009",
        "none",
        "defaultstring",
    ];
    known.contains(&text) || is_one_digit_repeated(text, &['0', 'f'])
}

pub(super) fn is_placeholder(text: &str) -> bool {
    was_placeholder(text) || PLACEHOLDERS.contains(&text) || COMPLAINTS.iter().any(|complaint| text.contains(complaint))
}

/// A UUID of a whole series of boards, in either byte order.
pub(super) fn is_shared_uuid(text: &str) -> bool {
    let known = |text: &str| SHARED_UUIDS.contains(&text);
    // Boards that filled in their own first field only.
    let blank = text.len() == 32 && text.as_bytes()[8..].iter().all(|byte| *byte == b'f');
    blank || known(text) || other_byte_order(text).is_some_and(|other| known(&other))
}

pub(super) fn is_shared_machine_id(text: &str) -> bool {
    // A guest's installation id can be its firmware's UUID (systemd-machine-id-setup).
    SHARED_MACHINE_IDS.contains(&text) || is_shared_uuid(text)
}

/// Why a hardware address tells no machine apart: 48 or 64 bits, or the 160 of InfiniBand. What is no such address in
/// another way than being cut off is taken as it is.
pub(super) fn why_mac_is_dropped(text: &str) -> Option<DropReason> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match text.len() {
        12 | 16 => {}
        40 => return None,
        _ => return Some(DropReason::Placeholder),
    }
    if SHARED_MACS.iter().any(|shared| text.starts_with(shared)) {
        return Some(DropReason::Shared);
    }
    // IEEE 802: the second lowest bit of the first byte marks addresses that software has made up.
    let first = u8::from_str_radix(&text[..2], 16).ok()?;
    (first & 2 != 0).then_some(DropReason::LocallyAdministered)
}

/// A UUID with its first three parts in the other byte order: SMBIOS 2.6 stores them little-endian, and not every
/// firmware and operating system reads them so.
pub(super) fn other_byte_order(text: &str) -> Option<String> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let reversed = |part: &str| -> String { (0..part.len()).step_by(2).rev().map(|at| &part[at..at + 2]).collect() };
    let parts = [&text[..8], &text[8..12], &text[12..16]].map(reversed);
    Some(parts.concat() + &text[16..])
}

fn is_one_digit_repeated(text: &str, digits: &[char]) -> bool {
    digits.iter().any(|digit| text.chars().all(|c| c == *digit))
}
