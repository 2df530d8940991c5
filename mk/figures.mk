# Figures of docs/, made again one by one: `make figures FIGURE=NAME`. The list: a rule figure/NAME for each, and its command; where a name
# ends in %, $* is what stands there. FIGURES is where they go. Several figures are of MNIST: MNIST=DIRECTORY says where it is.
FIGURES ?= runs/figures
FIGURE  ?=
MNIST   ?=
mnist    = $(or $(MNIST),$(error figures: say where MNIST is: make figures FIGURE=$(FIGURE) MNIST=DIRECTORY))

figures: all                     ## make a figure of docs/ again: FIGURE=NAME; without a name: which there are
	@+if [ -n '$(FIGURE)' ]; then $(MAKE) --no-print-directory 'figure/$(FIGURE)'; \
	else awk '/^figure\/[a-z]/ {sub(/^figure\//, ""); sub(/:.*/, ""); print}' mk/figures.mk; fi

figure/variants: always
	bin/gantry bench/variants.lua --data mnist:$(mnist) --out $(FIGURES)/variants

figure/variants/%: always
	bin/gantry bench/variants.lua --data mnist:$(mnist) --out $(FIGURES)/variants --only $* --again

few_with      =
few_without   = policy=
figure/few/%: always
	mkdir -p $(FIGURES)/few
	[ -f $(FIGURES)/few/net.safetensors ] || bin/gantry features --data mnist:$(mnist) --out $(FIGURES)/few/net.safetensors --channels 1
	bin/gantry train diffaugment --data mnist:$(mnist)@1..200 --out $(FIGURES)/few/$* --force --steps 8000 --threads 1 \
	  --set base=16 batch=32 channels=1 kernel=4 lr=0.001 size=32 $(few_$*)
	bin/gantry score $(FIGURES)/few/$* --data mnist:$(mnist)@201..8000 --features $(FIGURES)/few/net.safetensors --n 1000

figure/translations: always
	bin/gantry bench/translations.lua --out $(FIGURES)/translations

figure/translations/%: always
	bin/gantry bench/translations.lua --out $(FIGURES)/translations --only $* --again

figure/rules: always
	bin/gantry bench/rules.lua mnist:$(mnist) $(FIGURES)/rules

figure/%: always
	@echo "figures: there is no figure '$*'; make figures lists them" >&2; exit 1

.PHONY: figures
