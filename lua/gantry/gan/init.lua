--- Generative adversarial networks on top of nn: recipes, options, losses, the trainer, runs and samples.
-- @module gantry.gan
local options = require 'gantry.gan.options'
local recipe = require 'gantry.gan.recipe'
local losses = require 'gantry.gan.losses'
local penalties = require 'gantry.gan.penalties'
local run = require 'gantry.gan.run'
local session = require 'gantry.gan.session'
local Trainer = require 'gantry.gan.trainer'

return {
  recipe = recipe.declare,
  load_recipe = recipe.load,
  recipes = recipe.list,
  options = options.declare,
  sides = options.sides,
  d_loss = losses.d_loss,
  g_loss = losses.g_loss,
  losses = losses,
  penalties = penalties,
  augment = require 'gantry.gan.augment',
  mix = penalties.mix,
  input = penalties.input,
  trainer = Trainer.new,
  hash = Trainer.hash,
  session = session,
  open = run.open,
  nets = require 'gantry.gan.nets',
  samples = require 'gantry.gan.samples',
  checkpoint = require 'gantry.gan.checkpoint',
  safetensors = require 'gantry.gan.safetensors',
}
