-- The page about a run: what files say is text in it, it asks for nothing, and experiments that apply are run.
local cjson = require 'cjson'
local gan = require 'gantry.gan'
local torch = require 'gantry.torch'
local image = require 'gantry.image'
local recipes = require 'gantry.gan.recipe'
local report = require 'gantry.lab.report'
local command = require 'tests.support.command'

describe('lab.report', function()
  local run
  setup(function()
    run = command.folder() .. "/a<b>&'c'"
    local o = recipes.load('dcgan').options:resolve {from = 'test', values = {
      size = 16, base = 4, kernel = 4, batch = 8, z_size = 8, steps = 2, samples = 1,
    }}
    gan.session.start({recipe = 'dcgan', options = o, out = run, quiet = true}):run()
  end)
  teardown(command.clean)

  it('escapes, and writes base64 as RFC 4648 has it', function()
    assert.equal('&lt;a href=&quot;x&quot;&gt; &amp;amp; &#39;\n', report.escape('<a href="x"> &amp; \'\0\27\n'))
    local wanted = {[0] = '', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'}
    for n = 0, 6 do assert.equal(wanted[n], report.base64(('foobar'):sub(1, n))) end
    assert.equal('AP+A', report.base64 '\0\255\128')
  end)

  it('shows records, whatever they say, and nothing from elsewhere', function()
    local out = run .. '/lab'
    require('gantry.gan.folder').make(out)
    image.save(out .. '/svm-400.png', torch.FloatTensor(3, 8, 8):fill(0.5))
    command.write(run .. '/secret.png', 'a key')
    command.write(out .. '/text.png', 'no picture')
    command.write(out .. '/svm-400.json', cjson.encode {
      experiment = 'svm-400', seed = 3, seconds = 1.25, weights = 'other', about = {C = 0.1, folds = {1, 2}, none = cjson.null},
      figures = {{name = '<script>alert(1)</script>', value = 71.5, low = 70, high = 73, n = 400, paper = '73.8', expected = cjson.null},
        {name = 'no value'}, 7},
      pictures = {
        {file = 'svm-400.png', caption = 'a "picture"'}, {file = '../../secret.png'}, {file = '../secret.png'}, {file = 'text.png'}, 3,
      },
    })
    command.write(out .. '/zzz.json', cjson.encode {experiment = '"><img src=http://x/>', figures = {}, pictures = 'none'})
    local opened = gan.open(run)
    local path = out .. '/report.html'
    report.write(opened, path, {out = out, experiments = {{'svm', 'what <b>it</b> asks'}}, left = {{'walk', 'failed: <i>'}}})
    local page = command.read(path)
    assert.matches('&lt;script&gt;alert%(1%)&lt;/script&gt;</td><td>71.5</td><td>70 to 73</td><td>400</td><td>73.8</td></tr>', page)
    assert.is_nil(page:find('expected before', 1, true), 'a column that nothing is in')
    assert.matches('what &lt;b&gt;it&lt;/b&gt; asks', page)
    assert.matches('C = 0.1, folds = %[1,2%]</p>', page)
    assert.matches('Made from weights other, which are not those of this page', page)
    assert.matches('failed: &lt;i&gt;', page)
    assert.matches('<h1>[^<]*a&lt;b&gt;&amp;&#39;c&#39;</h1>', page)
    local _, pictures = page:gsub('<img ', '')
    assert.equal(3, pictures, "samples, losses, svm-400's")
    assert.is_truthy(page:find(report.base64(command.read(out .. '/svm-400.png')), 1, true))
    for source in page:gmatch '%ssrc="([^"]*)"' do assert.matches('^data:image/png;base64,', source) end
    for target in page:gmatch '%shref="([^"]*)"' do assert.matches('^#', target) end
    assert.is_nil(page:find('<script', 1, true))
    assert.is_nil(page:find(report.base64 'a key', 1, true))
    os.remove(out .. '/zzz.json')
    os.remove(out .. '/svm-400.json')
  end)

  it('runs what applies and was asked for, once', function()
    local folder = command.folder()
    local function lab(arguments) return command.gantry(('lab report "%s" --out %s %s'):format(run, folder, arguments)) end
    local code, out, err = lab '--only none'
    assert.equal(0, code, err)
    assert.matches('0 records', out)
    assert.matches('<td>forget</td><td>the data know no boxes of objects</td>', command.read(folder .. '/report.html'))
    code, out, err = lab '--only guided'
    assert.equal(0, code, err)
    assert.matches('%-%- guided: gantry lab guided ', out)
    assert.matches('1 records', out)
    local page = command.read(folder .. '/report.html')
    assert.matches('<h2 id="guided">', page)
    assert.matches('<td>maximise</td><td>was not asked for</td>', page)
    code, out, err = lab '--only guided'
    assert.equal(0, code, err)
    assert.is_nil(out:find('-- guided', 1, true))
    for flags, message in pairs {
      ['--only guidet'] = 'there is no experiment guidet %(did you mean guided%?%)', ['--skip report'] = 'no experiment report',
    } do
      code, out, err = lab(flags)
      assert.same({2, ''}, {code, out})
      assert.matches(message, err)
    end
  end)
end)
