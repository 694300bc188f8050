//! The checksum of TFRecord files: CRC-32C, the Castagnoli polynomial of RFC 3720 (iSCSI), and masked, since the data
//! may contain checksums itself. (CRC-32, which ZIP and PNG have, is another polynomial.)

/// 0x1EDC6F41 with its bits in reverse order.
const POLYNOMIAL: u32 = 0x82F6_3B78;
const MASK: u32 = 0xA282_EAD8;

/// The remainders of all bytes.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 { (remainder >> 1) ^ POLYNOMIAL } else { remainder >> 1 };
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| (sum >> 8) ^ TABLE[((sum ^ u32::from(*byte)) & 0xFF) as usize])
}

/// Rotated by 15 bits, and a constant added.
pub(super) fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}
