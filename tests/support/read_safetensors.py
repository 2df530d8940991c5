# A reader of safetensors files of its own, after the format's description: struct and json, nothing else. Checks what the
# reference reader checks, then hashes the weights as Gantry's manual says (FNV-1a, 64 bits, over the named tensors' bytes in
# order). usage: read_safetensors.py FILE; prints the hash, the number of tensors and the sizes of one.
import json, struct, sys

data = open(sys.argv[1], 'rb').read()
length, = struct.unpack('<Q', data[:8])
assert length <= 100_000_000 and 8 + length <= len(data)
text = data[8:8 + length]
assert text[:1] == b'{'
header = json.loads(text.decode('utf-8'))
metadata = header.pop('__metadata__')
assert all(isinstance(k, str) and isinstance(v, str) for k, v in metadata.items())
sizes = {'U8': 1, 'I8': 1, 'I16': 2, 'I32': 4, 'I64': 8, 'F32': 4, 'F64': 8}
body, reached = data[8 + length:], 0
for name, entry in sorted(header.items(), key=lambda item: item[1]['data_offsets']):
    begin, end = entry['data_offsets']
    count = sizes[entry['dtype']]
    for side in entry['shape']:
        count *= side
    assert set(entry) == {'dtype', 'shape', 'data_offsets'} and begin == reached and end - begin == count, name
    reached = end
assert reached == len(body)

value = 0xcbf29ce484222325
for name in header:  # JSON's order is the file's: G, then D, then the optimizers
    if name[:2] in ('G.', 'D.'):
        begin, end = header[name]['data_offsets']
        for byte in body[begin:end]:
            value = ((value ^ byte) * 0x100000001b3) & 0xffffffffffffffff
print('%016x %d %s' % (value, len(header), 'x'.join(map(str, header['G.2.weight']['shape']))))
assert json.loads(metadata['state'])['hash'] == '%016x' % value
