#!/usr/bin/env node
import '../dist/src/main/xynctl.js';
