-- Rules over attributes, and arithmetic with them.
local torch = require 'gantry.torch'
local rules = require 'gantry.lab.rules'

describe('lab.rules', function()
  it('reads conditions and terms', function()
    assert.same({{name = 'gender', op = '=', value = 'female'}, {name = 'turn', op = '<', value = -0.4}},
      rules.parse 'gender=female, turn < -0.4')
    local e = rules.expression 'smiling woman: gender=female,smile=1 - gender=female,smile=0 + man: gender=male,smile=0'
    assert.same({1, -1, 1}, {e.terms[1].sign, e.terms[2].sign, e.terms[3].sign})
    assert.same({'smiling woman', 'gender=female,smile=0', 'man'}, {e.terms[1].name, e.terms[2].name, e.terms[3].name})
    assert.same({{name = 'gender', op = '=', value = 'male'}, {name = 'smile', op = '=', value = '1'}}, e.target.conditions)
    assert.equal('gender=male,smile=1', e.target.name)
    assert.same({name = 'both', conditions = {{name = 'x', op = '>', value = 0.5}}}, rules.expression('x=1 + y=2 -> both: x>0.5').target)
    assert.equal('short-fade-2', rules.expression('hair=short-fade-2 -> hair=short-fade-2').terms[1].conditions[1].value)
  end)

  it('says what it does not understand, or cannot work out', function()
    local function refused(text, pattern) assert.error_matches(function() rules.expression(text) end, pattern) end
    refused('x', "'x' is not understood")
    refused('', 'it is empty')
    refused('x>red -> x=1', "'x>red' is not understood")
    refused('x=1 - x=2 + x=3', "leaves x open; say it after ' %-> '")
    refused('x=1 + x=2', 'is only known of a %- b %+ c')
  end)

  it('holds where the judge says so, or is sure', function()
    local told = {
      smile = {values = {'0', '1'}, probabilities = torch.DoubleTensor {{0.2, 0.8}, {0.99, 0.01}, {0.03, 0.97}}},
      turn = {numbers = torch.DoubleTensor {0.5, -0.5, 0}},
    }
    local function all(text, sure)
      local list = {}
      for i = 1, 3 do list[i] = rules.holds(told, rules.parse(text), i, sure) end
      return list
    end
    assert.same({true, false, true}, all 'smile=1')
    assert.same({false, false, true}, all('smile=1', 0.95))
    assert.same({false, true, false}, all 'smile=0,turn<0')
    assert.same({true, false, false}, all('smile=1,turn>0', 0.5))
  end)

  it('is refused where the judge does not know what it is about', function()
    local judge = {name = 'j', about = {attributes = {{name = 'smile', values = {'0', '1'}}, {name = 'turn', mean = 0, deviation = 1}}}}
    local function refused(text, pattern) assert.error_matches(function() rules.check(judge, rules.parse(text)) end, pattern) end
    rules.check(judge, rules.parse 'smile=1,turn>0')
    refused('smlie=1', 'j knows no attribute smlie %(did you mean smile%?%); it knows smile, turn')
    refused('smile=yes', 'j knows no smile yes; it knows 0, 1')
    refused('turn=1', 'turn is a number; wanted turn>0.5')
    refused('smile>0', 'smile is one of 0, 1; wanted smile=0')
  end)
end)
